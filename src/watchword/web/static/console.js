// Counts clocks down between two answers of the server. Time is the server's: each clock carries the "now" it was made at.

const words = (seconds) => {
  const s = Math.floor(Math.abs(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, "0")} s`;
  const hours = Math.floor(s / 3600), minutes = Math.floor(s / 60) % 60;
  if (hours < 24) return minutes ? `${hours} h ${minutes} min` : `${hours} h`;
  return hours % 24 ? `${Math.floor(hours / 24)} d ${hours % 24} h` : `${Math.floor(hours / 24)} d`;
};

const seen = new WeakMap();

const tick = () => {
  for (const clock of document.querySelectorAll("[data-until]")) {
    if (!seen.has(clock)) seen.set(clock, performance.now());
    const now = Date.parse(clock.dataset.now) + performance.now() - seen.get(clock);
    const left = (Date.parse(clock.dataset.until) - now) / 1000;
    clock.textContent = left > 0 ? `in ${words(left)}` : `${words(left)} ago`;
    clock.classList.toggle("over", left <= 0);
  }
};

setInterval(tick, 1000);
tick();
