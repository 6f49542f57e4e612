/* shop.c — a small shop to practise debugging on: HTTP over an SQLite file.
 *
 *     $ cc -o shop examples/shop/shop.c -pthread -lsqlite3
 *     $ ./shop
 *
 * It has the four layers that `orun debug:api` looks at: a page (pages/), the
 * actions of its API (shop_get, shop_post), data access (shop_rows), and the
 * database (shop_make). SHOP_FAULT=NAME in the environment plants a fault in
 * one of them; the names are beside what they do, and in README.md.
 *
 * Each connection has a thread and a handle of SQLite of its own, and carries
 * one request. It listens on loopback only, prints its port, and runs until it
 * is killed.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { REQUEST = 16 << 10, FILE_MAX = 1 << 20, SLOW_MS = 400, BACKLOG = 64 };

typedef struct Reply {
    int status;
    const char *type;
    char *body; /* from malloc, or NULL */
    size_t size;
} Reply;

static const char *database, *pages, *fault;

static bool
shop_fault(const char *name)
{
    return strcmp(fault, name) == 0;
}

/* ---- the database ---- */

static const char schema[] =
    "CREATE TABLE customers(id INTEGER PRIMARY KEY, name TEXT NOT NULL);"
    "CREATE TABLE orders(id INTEGER PRIMARY KEY,"
    " customer_id INTEGER NOT NULL REFERENCES customers, cents INTEGER);"
    "INSERT INTO customers VALUES(1, 'Ada'), (2, 'Grace'), (3, 'Linus');"
    "INSERT INTO orders VALUES(1, 1, 1250), (2, 3, 999), (3, 1, 70),"
    " (4, 2, 4200), (5, 3, 315);";

static sqlite3 *
shop_open(void)
{
    sqlite3 *db = NULL;
    if (sqlite3_open(database, &db) != SQLITE_OK) {
        fprintf(stderr, "shop: %s: %s\n", database, sqlite3_errmsg(db));
        exit(1);
    }
    sqlite3_busy_timeout(db, 5000);
    return db;
}

static int
shop_make(void)
{
    sqlite3 *db = shop_open();
    int e = sqlite3_exec(db, schema, NULL, NULL, NULL);
    if (!e && shop_fault("database-orphan"))
        e = sqlite3_exec(db, "DELETE FROM customers WHERE id = 2", NULL, NULL,
                         NULL);
    if (!e && shop_fault("database-value"))
        e = sqlite3_exec(db, "UPDATE orders SET cents = -70 WHERE id = 3", NULL,
                         NULL, NULL);
    if (!e && shop_fault("database-table"))
        e = sqlite3_exec(db, "ALTER TABLE orders RENAME TO old_orders", NULL,
                         NULL, NULL);
    if (e)
        fprintf(stderr, "shop: %s: %s\n", database, sqlite3_errmsg(db));
    sqlite3_close(db);
    return e ? 1 : 0;
}

/* ---- data access ---- */

static const char *
shop_query(void)
{
    if (shop_fault("data-join"))
        return "SELECT o.id, c.name, o.cents FROM orders o"
               " LEFT JOIN customers c ON c.id = o.id ORDER BY o.id";
    if (shop_fault("data-limit"))
        return "SELECT o.id, c.name, o.cents FROM orders o"
               " LEFT JOIN customers c ON c.id = o.customer_id"
               " ORDER BY o.id LIMIT 4";
    return "SELECT o.id, c.name, o.cents FROM orders o"
           " LEFT JOIN customers c ON c.id = o.customer_id ORDER BY o.id";
}

/* All orders, as a JSON array of {id, customer, NAME}. The text is the
 * caller's; NULL with a message in `why` when there are none to be had. */
static char *
shop_rows(const char *name, char *why, size_t size)
{
    char *text = NULL;
    sqlite3 *db = shop_open();
    sqlite3_stmt *st = NULL;
    char *sql = sqlite3_mprintf(
        "WITH r(id, customer, cents) AS (%s) SELECT "
        "json_group_array(json_object"
        "('id', id, 'customer', customer, %Q, cents)) FROM r",
        shop_query(), name);
    if (sql && sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK
        && sqlite3_step(st) == SQLITE_ROW)
        text = strdup((const char *)sqlite3_column_text(st, 0));
    else
        snprintf(why, size, "%s", sqlite3_errmsg(db));
    sqlite3_finalize(st);
    sqlite3_free(sql);
    sqlite3_close(db);
    return text;
}

/* Adds an order of this JSON text: 0, 1 when it is no order, -1 on failure. */
static int
shop_add(const char *json)
{
    static const char check[] =
        "SELECT json_valid(?1) AND coalesce(json_extract(?1, '$.cents') > 0 AND"
        " json_extract(?1, '$.customer') IN (SELECT id FROM customers), 0)";
    static const char insert[] =
        "INSERT INTO orders(customer_id, cents) VALUES("
        "json_extract(?1, '$.customer'), json_extract(?1, '$.cents'))";
    sqlite3 *db = shop_open();
    sqlite3_stmt *st = NULL;
    int result = -1;
    if (sqlite3_prepare_v2(db, check, -1, &st, NULL) == SQLITE_OK
        && sqlite3_bind_text(st, 1, json, -1, SQLITE_STATIC) == SQLITE_OK
        && sqlite3_step(st) == SQLITE_ROW)
        result = sqlite3_column_int(st, 0) ? 0 : 1;
    sqlite3_finalize(st);
    st = NULL;
    if (result == 0
        && (sqlite3_prepare_v2(db, insert, -1, &st, NULL) != SQLITE_OK
            || sqlite3_bind_text(st, 1, json, -1, SQLITE_STATIC) != SQLITE_OK
            || sqlite3_step(st) != SQLITE_DONE))
        result = -1;
    sqlite3_finalize(st);
    sqlite3_close(db);
    return result;
}

/* ---- actions ---- */

static void
shop_say(Reply *r, int status, const char *text)
{
    r->status = status;
    r->type = "application/json";
    r->body = strdup(text);
    r->size = r->body ? strlen(r->body) : 0;
}

static void
shop_get(Reply *r)
{
    char why[256] = "";
    char *rows = NULL;
    if (shop_fault("action-status")) {
        shop_say(r, 500, "{\"error\":\"unexpected\"}");
        return;
    }
    rows = shop_rows(shop_fault("action-field") ? "price" : "cents", why,
                     sizeof why);
    shop_say(r, rows ? 200 : 500, rows ? rows : "{\"error\":\"no rows\"}");
    if (shop_fault("action-type"))
        r->type = "text/html";
    free(rows);
}

static void
shop_post(Reply *r, const char *body)
{
    int e = shop_add(body);
    if (e > 0 && shop_fault("action-accepts"))
        e = 0;
    if (e == 0)
        shop_say(r, 201, "{\"ok\":true}");
    else
        shop_say(r, e > 0 ? 422 : 500, "{\"error\":\"this is no order\"}");
}

/* ---- pages ---- */

static const char *
shop_type(const char *path)
{
    const char *dot = strrchr(path, '.');
    if (dot && strcmp(dot, ".html") == 0)
        return "text/html; charset=utf-8";
    if (dot && strcmp(dot, ".js") == 0)
        return "text/javascript";
    return dot && strcmp(dot, ".svg") == 0 ? "image/svg+xml" : "text/plain";
}

static void
shop_file(Reply *r, const char *path)
{
    char name[512];
    FILE *file = NULL;
    if (strcmp(path, "/") == 0)
        path = "/index.html";
    if (strcmp(path, "/orders.js") == 0 && shop_fault("component-rows"))
        path = "/orders-rows.js";
    if (strcmp(path, "/orders.js") == 0 && shop_fault("component-error"))
        path = "/orders-error.js";
    snprintf(name, sizeof name, "%s%s", pages, path);
    if (!strstr(path, ".."))
        file = fopen(name, "rb");
    r->body = file ? malloc(FILE_MAX) : NULL;
    r->status = r->body ? 200 : 404;
    r->type = r->body ? shop_type(path) : "text/plain";
    if (r->body)
        r->size = fread(r->body, 1, FILE_MAX, file);
    if (file)
        fclose(file);
}

/* ---- HTTP ---- */

static void
shop_send(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        bytes += sent;
        n -= (size_t)sent;
    }
}

static void
shop_answer(int fd, const Reply *r)
{
    char head[256];
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 %d %s\r\nContent-Type: %s\r\n"
                     "Content-Length: %zu\r\nConnection: close\r\n"
                     "Cache-Control: no-store\r\n\r\n",
                     r->status, r->status < 400 ? "OK" : "Refused", r->type,
                     r->size);
    shop_send(fd, head, (size_t)n);
    shop_send(fd, r->body, r->size);
}

/* Reads a request: its head, and as much of a body as that says. */
static bool
shop_read(int fd, char *text)
{
    size_t n = 0, whole = 0;
    while (n < REQUEST - 1 && (whole == 0 || n < whole)) {
        ssize_t got = recv(fd, text + n, REQUEST - 1 - n, 0);
        if (got <= 0)
            return false;
        n += (size_t)got;
        text[n] = '\0';
        char *end = strstr(text, "\r\n\r\n");
        if (end && whole == 0) {
            char *length = strcasestr(text, "\r\ncontent-length:");
            whole = (size_t)(end + 4 - text);
            if (length && length < end)
                whole += strtoul(length + 17, NULL, 10);
        }
    }
    return whole > 0 && n >= whole;
}

/* Holds the connection until the other side has gone. */
static void
shop_hold(int fd)
{
    char byte[64];
    while (recv(fd, byte, sizeof byte, 0) > 0) {
    }
}

static void *
shop_serve(void *arg)
{
    int fd = (int)(long)arg;
    char text[REQUEST] = "", method[8] = "", path[256] = "";
    Reply r = { 404, "text/plain", NULL, 0 };
    if (!shop_read(fd, text) || sscanf(text, "%7s %255s", method, path) != 2) {
        close(fd);
        return NULL;
    }
    path[strcspn(path, "?")] = '\0';
    if (strcmp(path, "/never") == 0) {
        shop_hold(fd);
        close(fd);
        return NULL;
    }
    if (strcmp(path, "/slow.js") == 0) {
        nanosleep(&(struct timespec){ 0, SLOW_MS * 1000000L }, NULL);
        shop_say(&r, 200, "void 0;\n");
        r.type = "text/javascript";
    } else if (strcmp(path, "/api/orders") != 0) {
        shop_file(&r, path);
    } else if (strcmp(method, "POST") == 0) {
        shop_post(&r, strstr(text, "\r\n\r\n") + 4);
    } else {
        shop_get(&r);
    }
    shop_answer(fd, &r);
    shutdown(fd, SHUT_WR);
    shop_hold(fd);
    close(fd);
    free(r.body);
    return NULL;
}

static int
shop_listen(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0
        || listen(fd, BACKLOG) != 0
        || getsockname(fd, (struct sockaddr *)&at, &size) != 0) {
        perror("shop");
        return 1;
    }
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    for (;;) {
        pthread_t thread;
        int one = accept(fd, NULL, NULL);
        if (one < 0 && errno != EINTR && errno != ECONNABORTED)
            return 1;
        if (one < 0)
            continue;
        if (pthread_create(&thread, NULL, shop_serve, (void *)(long)one) != 0)
            close(one);
        else
            pthread_detach(thread);
    }
}

int
main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    char why[256] = "";
    fault = getenv("SHOP_FAULT") ? getenv("SHOP_FAULT") : "";
    database = argc > 2 ? argv[2] : "";
    pages = argc > 3 ? argv[3] : "";
    if (strcmp(word, "make") == 0 && argc == 3)
        return shop_make();
    if (strcmp(word, "serve") == 0 && argc == 4)
        return shop_listen();
    if (strcmp(word, "rows") == 0 && argc == 3) {
        char *rows = shop_rows("cents", why, sizeof why);
        printf("%s\n", rows ? rows : "");
        if (!rows)
            fprintf(stderr, "shop: %s\n", why);
        free(rows);
        return rows ? 0 : 1;
    }
    printf(
        "shop make DATABASE         makes the database\n"
        "shop rows DATABASE         prints the orders\n"
        "shop serve DATABASE PAGES  serves them, on a port that it prints\n");
    return argc > 1 ? 2 : 0;
}
/*
 * --> shop make DATABASE         makes the database
 * --> shop rows DATABASE         prints the orders
 * --> shop serve DATABASE PAGES  serves them, on a port that it prints
 */
