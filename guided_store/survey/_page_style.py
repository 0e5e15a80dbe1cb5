"""Style of the sheet's page: light and dark, on paper, and on a telephone."""

STYLE = """
:root {
  color-scheme: light dark;
  --ink: #1c1e21; --quiet: #5c636b; --rule: #d9dce0; --paper: #fbfbfa; --card: #ffffff; --mark: #0b5c8a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e4e6e8; --quiet: #9aa2ab; --rule: #34393f; --paper: #16181b; --card: #1d2024; --mark: #7fc1ea;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2rem 1.25rem 6rem; max-width: 60rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .75rem; }
h2 { font-size: 1.05rem; margin: 0; }
h3 { font-size: .8rem; margin: 0 0 .5rem; color: var(--quiet); font-weight: 600; }
p { margin: .5rem 0; max-width: 44rem; }
.quiet { color: var(--quiet); font-size: .875rem; }
ol { margin: 0; padding-left: 1.4rem; }
ol li::marker { color: var(--quiet); font-variant-numeric: tabular-nums; }
section { margin: 2.25rem 0; padding: 1.25rem; background: var(--card); border: 1px solid var(--rule);
  border-radius: .4rem; }
section > header { display: flex; justify-content: space-between; gap: 1rem; align-items: baseline;
  margin-bottom: .9rem; }
.history { columns: 2; column-gap: 2rem; font-size: .9rem; list-style: none; padding: 0; }
.history li { break-inside: avoid; padding: .06rem 0; overflow-wrap: anywhere; }
.lists { display: grid; grid-template-columns: 1fr 1fr; gap: 0 2rem; margin: 1.25rem 0;
  border-top: 1px solid var(--rule); border-bottom: 1px solid var(--rule); padding: 1rem 0; }
.lists > div + div { border-left: 1px solid var(--rule); padding-left: 2rem; margin-left: -1rem; }
.lists li { margin-bottom: .7rem; overflow-wrap: anywhere; }
.lists b { font-weight: 600; }
.lists small { display: block; color: var(--quiet); font-size: .85rem; line-height: 1.4; }
fieldset { border: 0; margin: 0 0 .6rem; padding: 0; display: grid; grid-template-columns: 1fr auto;
  gap: .25rem 1.5rem; align-items: baseline; }
legend { float: left; padding: 0; }
legend + div { display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; }
fieldset label { white-space: nowrap; cursor: pointer; padding: .15rem 0; }
input[type=radio] { accent-color: var(--mark); margin: 0 .3rem 0 0; width: 1rem; height: 1rem;
  vertical-align: -.15rem; }
.comment { display: block; margin-top: .75rem; }
input[type=text], textarea { width: 100%; font: inherit; color: inherit; background: var(--paper);
  border: 1px solid var(--rule); border-radius: .25rem; padding: .4rem .55rem; }
textarea { min-height: 2.4rem; height: 2.4rem; resize: vertical; display: block; }
.rater { max-width: 20rem; display: block; margin: 1.25rem 0; }
:focus-visible { outline: 2px solid var(--mark); outline-offset: 2px; }
.done > header .state { color: var(--mark); }
.script { display: none; }
.bar { position: fixed; inset: auto 0 0; background: var(--card); border-top: 1px solid var(--rule); }
.bar div { max-width: 60rem; margin: 0 auto; padding: .7rem 1.25rem; display: flex; gap: 1rem;
  justify-content: space-between; align-items: center; flex-wrap: wrap; }
.bar span { font-variant-numeric: tabular-nums; }
button { font: inherit; font-weight: 600; color: var(--card); background: var(--mark); border: 0;
  border-radius: .25rem; padding: .45rem 1rem; cursor: pointer; }
button.plain { background: none; color: var(--quiet); font-weight: 400; }
@media (max-width: 40rem) {
  body { padding: 1.25rem .75rem 7rem; }
  section { padding: 1rem .75rem; }
  .history { columns: 1; }
  .lists { gap: 0 1rem; font-size: .9rem; }
  .lists > div + div { padding-left: 1rem; margin-left: -.5rem; }
  .lists ol { padding-left: 1.1rem; }
  fieldset { grid-template-columns: 1fr; margin-bottom: 1rem; }
}
@media print {
  html { font-size: 9pt; }
  :root { color-scheme: light;
    --ink: #000; --quiet: #444; --rule: #bbb; --paper: #fff; --card: #fff; --mark: #000; }
  body { padding: 0; max-width: none; }
  section { break-inside: avoid; margin: 1rem 0; padding: .75rem; }
  .lists { margin: .75rem 0; padding: .6rem 0; }
  .lists li { margin-bottom: .35rem; }
  .bar, .screen { display: none !important; }
}
"""
