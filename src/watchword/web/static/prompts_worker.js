// Runs in a browser that is woken: shows that something is asked, and leads to the page that says what.

const PAGE = "/prompts";

self.addEventListener("push", (event) => {
  const body = event.data?.text() ?? "";
  event.waitUntil(self.registration.showNotification("Watchword", { body, tag: "prompts", icon: "/static/mark.svg" }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil((async () => {
    const open = await clients.matchAll({ type: "window", includeUncontrolled: true });
    const page = open.find((one) => new URL(one.url).pathname === PAGE);
    await (page ? page.focus() : clients.openWindow(PAGE));
  })());
});
