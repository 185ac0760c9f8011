/**
 * The dashboard's one script. It sends commands, refreshes marked regions when the stream has news, appends to
 * a run's log, and writes times as people say them. All it takes from the relay it sets as text or as a region that
 * the relay rendered. Pages read without it; only commands and live news need it.
 */
export const SCRIPT = `"use strict";
(() => {
  const live = document.getElementById("live");
  const said = document.getElementById("said");
  const FIRST_RETRY_MS = 1000, MOST_RETRY_MS = 30000, REFRESH_MS = 400, LOG_MOST = 2000;

  const say = (text) => {
    said.textContent = text;
    clearTimeout(say.timer);
    say.timer = setTimeout(() => { said.textContent = ""; }, 6000);
  };

  // Times
  const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  const tellTimes = () => {
    for (const time of document.querySelectorAll("time[datetime]")) {
      const at = Date.parse(time.dateTime);
      if (Number.isNaN(at)) continue;
      if (time.closest("[data-log]")) { time.textContent = new Date(at).toLocaleTimeString(); continue; }
      const seconds = Math.round((at - Date.now()) / 1000);
      const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) || UNITS[3];
      time.textContent = relative.format(Math.trunc(seconds / size), unit);
    }
  };

  // Fresh regions
  const inUse = (region) => {
    const fields = [...region.querySelectorAll("textarea")];
    return fields.some((field) => field.value !== "" || field === document.activeElement);
  };
  let wanted = null;
  const refresh = async () => {
    wanted = null;
    const answer = await fetch(location.href, { headers: { accept: "text/html" }, signal: AbortSignal.timeout(10000) });
    if (answer.status === 401) { location.reload(); return; }
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const region of document.querySelectorAll("[data-live]")) {
      const next = fresh.getElementById(region.id);
      if (!next || inUse(region) || next.innerHTML === region.dataset.shown) continue;
      const open = [...region.querySelectorAll("details")].map((each) => each.open);
      const focused = region.contains(document.activeElement)
        ? [...region.querySelectorAll("a, button, summary")].indexOf(document.activeElement) : -1;
      const shown = next.innerHTML;
      const taken = document.importNode(next, true);
      taken.dataset.shown = shown;
      region.replaceWith(taken);
      if (open.length === taken.querySelectorAll("details").length) {
        [...taken.querySelectorAll("details")].forEach((each, index) => { each.open = open[index]; });
      }
      if (focused >= 0) { const target = taken.querySelectorAll("a, button, summary")[focused]; if (target) target.focus(); }
    }
    tellTimes();
  };
  const soon = () => {
    if (wanted === null) wanted = setTimeout(() => { refresh().catch(() => undefined); }, REFRESH_MS);
  };

  // Log
  const log = document.querySelector("[data-log]");
  const append = (event) => {
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    const line = document.createElement("li");
    const time = document.createElement("time");
    time.dateTime = event.at;
    time.textContent = new Date(event.at).toLocaleTimeString();
    const kind = document.createElement("span");
    kind.className = "kind";
    kind.textContent = event.kind;
    const text = document.createElement("span");
    text.className = "text";
    text.textContent = event.text;
    line.append(time, kind, text);
    log.append(line);
    while (log.children.length > LOG_MOST) log.firstElementChild.remove();
    if (atEnd) log.scrollTop = log.scrollHeight;
  };

  // Stream
  let after = log ? Number(log.dataset.after) : null;
  let retry = FIRST_RETRY_MS;
  const concerns = (message) => {
    const about = document.querySelector("[data-issue]");
    if (message.kind === "run") return false;
    return !about || message.line.issue === about.dataset.issue;
  };
  const connect = () => {
    const url = new URL("/api/stream", location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    if (after !== null) url.searchParams.set("after", String(after));
    const socket = new WebSocket(url);
    socket.onopen = () => { retry = FIRST_RETRY_MS; live.textContent = "live"; live.classList.add("on"); soon(); };
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      after = message.seq;
      if (log && message.kind === "run" && message.line.run === log.dataset.log) append(message.line);
      if (concerns(message)) soon();
    };
    socket.onclose = () => {
      live.textContent = "not updating";
      live.classList.remove("on");
      setTimeout(connect, retry);
      retry = Math.min(retry * 2, MOST_RETRY_MS);
    };
  };

  // Commands
  const key = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const send = async (form, submitter) => {
    const fields = new FormData(form);
    const body = {};
    for (const [name, value] of fields) if (value !== "") body[name] = value;
    if (submitter && submitter.name) body[submitter.name] = submitter.value;
    const answer = await fetch(form.dataset.command, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": key() },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(15000),
    });
    const result = await answer.json();
    if (!answer.ok) { say(result.detail || result.title); return; }
    form.reset();
    say("Done; see the timeline.");
    soon();
  };
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.dataset.command) return;
    event.preventDefault();
    if (form.dataset.confirm && !confirm(form.dataset.confirm)) return;
    send(form, event.submitter).catch(() => say("The relay did not answer."));
  });

  tellTimes();
  setInterval(tellTimes, 30000);
  if (log) log.scrollTop = log.scrollHeight;
  connect();
})();
`;
