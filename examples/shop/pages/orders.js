/* orders.js — draws the orders that the API gives, one row each. */
async function draw() {
  const answer = await fetch("/api/orders");
  const orders = answer.ok ? await answer.json() : [];
  for (const order of orders) {
    const row = document.getElementById("orders").insertRow();
    row.dataset.id = order.id;
    row.insertCell().textContent = order.id;
    row.insertCell().textContent = order.customer;
    row.insertCell().textContent = (order.cents / 100).toFixed(2);
  }
}
draw();
