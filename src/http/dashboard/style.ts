/** The stylesheet: one column on a phone, two on a screen, light or dark as the reader's system is. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f6f7f9; --card: #fff; --edge: #dfe3e8; --ink: #1b2330; --faint: #5b6675;
  --mark: #4f46e5; --on-mark: #fff; --code: #eef0f4;
  --busy: #1d4ed8; --busy-bg: #e0eaff; --asks: #92400e; --asks-bg: #fef0cd; --bad: #b01c1c; --bad-bg: #fde3e3;
  --good: #14663a; --good-bg: #dcf4e5; --calm: #465162; --calm-bg: #e8ebf0;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #10141b; --card: #181e28; --edge: #2b3443; --ink: #e5e9f0; --faint: #9aa6b7;
    --mark: #a5b0ff; --on-mark: #10141b; --code: #222a37;
    --busy: #a8c4ff; --busy-bg: #1b2f55; --asks: #ffd58a; --asks-bg: #4a3410; --bad: #ffb4b4; --bad-bg: #551f22;
    --good: #9be3b8; --good-bg: #173f2a; --calm: #b9c3d1; --calm-bg: #2a3342;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 1.25rem 1rem 4rem; }
h1 { font-size: 1.35rem; line-height: 1.3; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 1.5rem 0 .5rem; overflow-wrap: anywhere; }
p { margin: .35rem 0; overflow-wrap: anywhere; }
a { color: var(--mark); text-decoration: none; }
a:hover { text-decoration: underline; }
:focus-visible { outline: 2px solid var(--mark); outline-offset: 2px; border-radius: 4px; }
code { background: var(--code); border-radius: 4px; padding: .1em .35em; font-size: .87em; overflow-wrap: anywhere; }
bdi { unicode-bidi: isolate; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: .5rem; top: .5rem; background: var(--card); padding: .5rem; z-index: 2; }
.top { display: flex; align-items: center; gap: 1.25rem; padding: .6rem 1rem; background: var(--card);
  border-bottom: 1px solid var(--edge); position: sticky; top: 0; z-index: 1; }
.brand { display: flex; gap: .5rem; align-items: center; font-weight: 650; color: var(--ink); }
.top nav { display: flex; gap: 1rem; }
.top nav a { color: var(--faint); padding: .2rem 0; }
.top nav a[aria-current] { color: var(--ink); box-shadow: 0 2px 0 var(--mark); }
.live { margin-left: auto; color: var(--faint); font-size: .8rem; white-space: nowrap; }
.live::before { content: ""; display: inline-block; width: .5rem; height: .5rem; border-radius: 50%;
  background: var(--faint); margin-right: .4rem; }
.live.on::before { background: #22a55b; }
.line { display: flex; justify-content: space-between; align-items: baseline; gap: .5rem 1rem; flex-wrap: wrap; }
.line > * { min-width: 0; overflow-wrap: anywhere; }
.line > h1, .line > h2 { flex: 1 1 16rem; }
.card { background: var(--card); border: 1px solid var(--edge); border-radius: 10px; padding: .85rem 1rem; margin: .75rem 0; }
.issues, .plain { list-style: none; padding: 0; margin: .5rem 0; }
.issue h2 { font-size: 1rem; margin: 0; font-weight: 600; }
.issue h2 a { color: var(--ink); }
.key { color: var(--faint); font-weight: 500; }
.why { font-size: 1.05rem; }
.faint { color: var(--faint); }
.small { font-size: .85rem; }
.said-text { white-space: pre-wrap; }
.badge { display: inline-block; border-radius: 99px; padding: .05rem .6rem; font-size: .8rem; white-space: nowrap;
  color: var(--calm); background: var(--calm-bg); }
.badge.busy { color: var(--busy); background: var(--busy-bg); }
.badge.asks { color: var(--asks); background: var(--asks-bg); }
.badge.bad { color: var(--bad); background: var(--bad-bg); }
.badge.good { color: var(--good); background: var(--good-bg); }
.asked { border-color: var(--asks); border-left-width: 4px; }
.asked h2 { margin-top: 0; color: var(--asks); }
.asks-text { color: var(--asks); }
.filter { display: flex; gap: .75rem; align-items: end; flex-wrap: wrap; margin: 1rem 0; }
.filter label span, .stack label { display: block; font-size: .8rem; color: var(--faint); }
.filter label:first-child { flex: 1 1 14rem; }
input, select, textarea, button { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--edge);
  border-radius: 8px; padding: .4rem .65rem; max-width: 100%; }
input[type=search], textarea { width: 100%; }
button { cursor: pointer; }
button:hover:enabled { border-color: var(--mark); }
button:disabled { opacity: .45; cursor: not-allowed; }
button.main { background: var(--mark); color: var(--on-mark); border-color: var(--mark); }
button.quiet { font-size: .8rem; padding: .1rem .5rem; }
.buttons { display: flex; gap: .5rem; flex-wrap: wrap; align-items: center; }
summary { cursor: pointer; }
.columns { display: grid; gap: 0 2rem; }
@media (min-width: 56rem) { .columns { grid-template-columns: minmax(0, 2fr) minmax(16rem, 1fr); } }
.timeline { list-style: none; margin: 0; padding: 0 0 0 1rem; border-left: 2px solid var(--edge); }
.timeline > li { position: relative; padding: .1rem 0 .8rem; }
.timeline > li::before { content: ""; position: absolute; left: -1.36rem; top: .55rem; width: .55rem; height: .55rem;
  border-radius: 50%; background: var(--edge); }
.timeline > li.moved::before { background: var(--mark); }
.terms { margin: 0; }
.terms > div { display: grid; grid-template-columns: 7.5rem minmax(0, 1fr); gap: .5rem; padding: .2rem 0; }
.terms dt { color: var(--faint); }
.terms dd { margin: 0; overflow-wrap: anywhere; }
.budgets li { display: grid; grid-template-columns: 1fr auto 5rem; gap: .6rem; align-items: center; padding: .1rem 0; }
meter { width: 100%; height: .6rem; }
.runs li { padding: .2rem 0; }
.tabs { display: flex; gap: 1rem; flex-wrap: wrap; margin: .75rem 0; }
.tabs a[aria-current] { color: var(--ink); font-weight: 600; }
.log { list-style: none; margin: 0; padding: .75rem; background: var(--card); border: 1px solid var(--edge);
  border-radius: 10px; font: .8rem/1.55 ui-monospace, monospace; max-height: 70vh; overflow: auto; }
.log li { display: grid; grid-template-columns: 6.5rem 7rem minmax(0, 1fr); gap: .75rem; }
.log time, .log .kind { color: var(--faint); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.log .text { white-space: pre-wrap; overflow-wrap: anywhere; }
.said { position: fixed; left: 50%; bottom: 1rem; transform: translateX(-50%); background: var(--ink); color: var(--ground);
  padding: .5rem 1rem; border-radius: 8px; max-width: 90vw; margin: 0; }
.said:empty { display: none; }
@media (max-width: 36rem) {
  .log li { grid-template-columns: 1fr; gap: 0; margin-bottom: .4rem; }
  .top { gap: .8rem; }
}
@media (prefers-reduced-motion: no-preference) { .badge { transition: background .2s; } }
`;
