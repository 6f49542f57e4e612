/* orders-rows.js — a planted fault: the first order is not drawn. */
async function draw() {
  const answer = await fetch("/api/orders");
  const orders = answer.ok ? await answer.json() : [];
  for (const order of orders.slice(1)) {
    const row = document.getElementById("orders").insertRow();
    row.dataset.id = order.id;
    row.insertCell().textContent = order.id;
    row.insertCell().textContent = order.customer;
    row.insertCell().textContent = (order.cents / 100).toFixed(2);
  }
}
draw();
