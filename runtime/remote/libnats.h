/* libnats.h — the functions of libnats, loaded when first needed.
 *
 * A run whose tasks all stay on this machine needs none of it, so it is not
 * linked: a system without it can do everything but that. Only functions that
 * take numbers, bytes and opaque handles are here, no struct whose layout
 * differs between versions: what was built with the header of one runs with
 * the library of another. JetStream is spoken by plain requests for the same
 * reason.
 */
#ifndef ORUN_LIBNATS_H
#define ORUN_LIBNATS_H

#include "base/base.h"
#include <nats/nats.h>
#include <signal.h>

/* clang-format off */
#define LIBNATS_FUNCTIONS(X) \
    X(open, nats_Open) \
    X(pool, nats_SetMessageDeliveryPoolSize) \
    X(version, nats_GetVersion) \
    X(status_text, natsStatus_GetText) \
    X(options, natsOptions_Create) \
    X(options_free, natsOptions_Destroy) \
    X(set_servers, natsOptions_SetServers) \
    X(set_name, natsOptions_SetName) \
    X(set_timeout, natsOptions_SetTimeout) \
    X(set_inbox_prefix, natsOptions_SetCustomInboxPrefix) \
    X(set_credentials, natsOptions_SetUserCredentialsFromFiles) \
    X(set_authorities, natsOptions_LoadCATrustedCertificates) \
    X(set_secure, natsOptions_SetSecure) \
    X(set_max_reconnect, natsOptions_SetMaxReconnect) \
    X(set_reconnect_wait, natsOptions_SetReconnectWait) \
    X(set_buffer, natsOptions_SetReconnectBufSize) \
    X(set_error_cb, natsOptions_SetErrorHandler) \
    X(set_lost_cb, natsOptions_SetDisconnectedCB) \
    X(set_back_cb, natsOptions_SetReconnectedCB) \
    X(set_closed_cb, natsOptions_SetClosedCB) \
    X(set_global_delivery, natsOptions_UseGlobalMessageDelivery) \
    X(connect, natsConnection_Connect) \
    X(close, natsConnection_Close) \
    X(free, natsConnection_Destroy) \
    X(flush, natsConnection_FlushTimeout) \
    X(max_payload, natsConnection_GetMaxPayload) \
    X(last_error, natsConnection_GetLastError) \
    X(publish, natsConnection_Publish) \
    X(publish_message, natsConnection_PublishMsg) \
    X(publish_request, natsConnection_PublishRequest) \
    X(request, natsConnection_Request) \
    X(subscribe, natsConnection_Subscribe) \
    X(subscription_free, natsSubscription_Destroy) \
    X(subscription_limits, natsSubscription_SetPendingLimits) \
    X(message, natsMsg_Create) \
    X(message_free, natsMsg_Destroy) \
    X(message_subject, natsMsg_GetSubject) \
    X(message_reply, natsMsg_GetReply) \
    X(message_data, natsMsg_GetData) \
    X(message_size, natsMsg_GetDataLength) \
    X(message_unheard, natsMsg_IsNoResponders) \
    X(header_set, natsMsgHeader_Set) \
    X(header_get, natsMsgHeader_Get)
/* clang-format on */

typedef struct Libnats {
#define X(field, function) __typeof__(function) *field;
    LIBNATS_FUNCTIONS(X)
#undef X
} Libnats;

/* The functions, valid as long as the process lives. NULL, with the reason in
 * *why, a constant, if there is no suitable libnats. The first call blocks
 * while it is loaded and its first threads begin, which take no signals. Any
 * thread. */
const Libnats *libnats_get(const char **why);

/* Between these two the calling thread takes no signal, so a thread that
 * libnats starts takes none for all its life. *before is the caller's. Any
 * thread. */
void libnats_signals_off(sigset_t *before);
void libnats_signals_on(const sigset_t *before);

#endif
