/* orders-error.js — a planted fault: it reads a field that no order has. */
async function draw() {
  const answer = await fetch("/api/orders");
  const orders = answer.ok ? await answer.json() : [];
  for (const order of orders) {
    const row = document.getElementById("orders").insertRow();
    row.dataset.id = order.id;
    row.insertCell().textContent = order.id;
    row.insertCell().textContent = order.customer.name.first;
    row.insertCell().textContent = (order.cents / 100).toFixed(2);
  }
}
draw();
