#include "pipeline/compare/html_parts.h"

namespace tessera::pipeline::html {

// One accent; everything else is ink on paper, so that a print in black and white loses nothing.
std::string style_sheet() {
  return R"css(:root { --paper: #fdfdfb; --panel: #f3f3ee; --ink: #1b1d1f; --soft: #55595d; --rule: #d5d5cd;
  --accent: #1f5fa8; --good: #1d6b3c; --bad: #a3251d }
@media (prefers-color-scheme: dark) {
  :root { --paper: #16181b; --panel: #202428; --ink: #e9e9e4; --soft: #b0b4b8; --rule: #3b4046; --accent: #7fb2ee;
  --good: #82cf9c; --bad: #f29a90 }
}
* { box-sizing: border-box }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.6 system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; overflow-wrap: anywhere }
header, nav, main, footer { max-width: 54rem; margin: 0 auto; padding: 0 0.75rem }
header { padding-top: 3rem }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 0.75rem; font-weight: 650 }
h2 { font-size: 1.5rem; line-height: 1.25; margin: 4rem 0 1rem; padding-top: 1rem;
  border-top: 2px solid var(--ink); font-weight: 650 }
h3 { font-size: 1.15rem; line-height: 1.3; margin: 2.75rem 0 0.75rem; font-weight: 650 }
p, ul { margin: 0 0 1rem; max-width: 44rem }
a { color: var(--accent); text-underline-offset: 0.2em }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
.kicker { margin: 0 0 0.25rem; color: var(--accent); font-weight: 650; letter-spacing: 0.02em }
.about, .reading, .note, .interval, .none, footer { color: var(--soft) }
.reading, .note { font-size: 0.9rem }
data, time, .interval, .pair, .option { white-space: nowrap }
.skip { position: absolute; left: -100rem }
.skip:focus { left: 0.75rem; top: 0.5rem; background: var(--paper); padding: 0.25rem 0.5rem }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; padding: 0; margin: 0.5rem 0 0 }
.answer { background: var(--panel); border-left: 5px solid var(--accent); padding: 1.25rem 1.5rem 0.5rem;
  margin: 2rem 0 0 }
.answer h2 { margin: 0 0 0.75rem; padding: 0; border: 0 }
.lead { margin-bottom: 0.5rem }
pre { margin: 0 0 1rem; padding: 0.75rem 1rem; background: var(--panel); border: 1px solid var(--rule);
  overflow-x: auto; font: 0.875rem/1.5 ui-monospace, "DejaVu Sans Mono", monospace }
.command { white-space: pre-wrap; overflow-wrap: anywhere; user-select: all; -webkit-user-select: all }
.answer .command { background: var(--paper); font-size: 1rem; border-color: var(--ink) }
code { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: 0.9em }
figure { margin: 0 0 2.5rem }
figcaption { margin-bottom: 0.75rem }
.finding { font-weight: 650; margin-bottom: 0.25rem }
.finding + .reading { margin-bottom: 0.5rem }
svg { display: block; max-width: 100%; height: auto; font-size: 13px; fill: var(--ink); font-family: inherit }
.patterns { position: absolute }
svg.narrow { display: none }
@media (max-width: 46rem) {
  svg.wide { display: none }
  svg.narrow { display: block; width: 100%; max-width: 26rem }
  header { padding-top: 1.5rem }
  h1 { font-size: 1.6rem }
  .answer { padding: 1rem 0.9rem 0.25rem }
}
.tick { fill: var(--soft); font-size: 12px }
.axis { fill: var(--soft); font-size: 12px }
.panel { font-weight: 650 }
.middle { text-anchor: middle }
.end { text-anchor: end }
.letter { font-size: 11px }
.figures { font-variant-numeric: tabular-nums }
.grid { stroke: var(--rule); stroke-width: 1; fill: none }
.base { stroke: var(--ink); stroke-width: 1.25; fill: none }
.leader { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 1 3; fill: none }
.ci { stroke: var(--ink); stroke-width: 1.5; fill: none }
.lane { fill: var(--panel) }
.plate { fill: var(--paper) }
.finish { stroke: var(--ink); stroke-width: 2; fill: none }
.f0, .f1, .f2, .f3, .f4, .f5, .f6 { stroke: var(--ink); stroke-width: 1 }
.f0 { fill: var(--accent) }
.f1 { fill: url(#p1) }
.f2 { fill: url(#p2) }
.f3 { fill: url(#p3) }
.f4 { fill: url(#p4) }
.f5 { fill: url(#p5) }
.f6 { fill: var(--paper) }
.job { stroke-width: 0.6 }
.pb { fill: var(--paper) }
.ps { stroke: var(--accent); stroke-width: 3 }
.pt { stroke: var(--ink); stroke-width: 1 }
.pd { fill: var(--ink) }
.curve { fill: none; stroke: var(--ink); stroke-width: 1.75; stroke-linejoin: round }
.l0 { stroke: var(--accent); stroke-width: 2.5 }
.l1 { stroke-dasharray: 7 4 }
.l2 { stroke-dasharray: 2 3 }
.l3 { stroke: var(--accent); stroke-dasharray: 10 3 2 3 }
.l4 { stroke-dasharray: 12 4 }
.l5 { stroke: var(--accent); stroke-dasharray: 4 2 }
.l7 { stroke-dasharray: 1 5; stroke-linecap: round }
.guide { fill: none; stroke: var(--soft); stroke-width: 1.25 }
.g1 { stroke-dasharray: 4 3 }
.m0, .m2, .m6 { fill: var(--ink); stroke: var(--paper); stroke-width: 1 }
.m0 { fill: var(--accent) }
.m1, .m3, .m4, .m5, .m7 { fill: var(--paper); stroke: var(--ink); stroke-width: 1.5 }
.scroll { overflow-x: auto; margin: 0 0 1.5rem }
@media screen and (min-width: 58rem) {
  .scroll { width: max-content; min-width: 100%; max-width: calc(100vw - 3rem); position: relative; left: 50%;
  transform: translateX(-50%) }
}
table { border-collapse: collapse; font-size: 0.9rem; line-height: 1.45; font-variant-numeric: tabular-nums;
  overflow-wrap: normal }
caption { text-align: left; font-weight: 650; padding: 0.25rem 0 0.5rem }
th, td { text-align: left; vertical-align: top; padding: 0.35rem 1.25rem 0.35rem 0;
  border-bottom: 1px solid var(--rule) }
thead th { vertical-align: bottom; border-bottom: 1.5px solid var(--ink); font-weight: 650; min-width: 3.5rem }
tbody th { position: sticky; left: 0; background: var(--paper); font-weight: 450; min-width: 12rem;
  max-width: 22rem; overflow-wrap: anywhere }
td code { display: block; min-width: 22rem; overflow-wrap: anywhere }
td { min-width: 3rem }
abbr { text-decoration: none }
.survived { color: var(--good) }
.died { color: var(--bad) }
.noise { color: var(--soft) }
details { margin: 0.5rem 0 1rem }
summary { cursor: pointer; color: var(--accent); font-size: 0.9rem; padding: 0.25rem 0 }
dl { margin: 0 0 1.5rem }
dl div { display: grid; grid-template-columns: 16rem 1fr; gap: 1rem; padding: 0.3rem 0;
  border-bottom: 1px solid var(--rule) }
dt { color: var(--soft) }
dd { margin: 0 }
@media (max-width: 34rem) {
  dl div { grid-template-columns: 1fr; gap: 0 }
  tbody th { min-width: 7rem }
}
footer { margin-top: 3rem; padding-bottom: 3rem; font-size: 0.9rem }
@media print {
  :root { --paper: #fff; --panel: #fff; --ink: #000; --soft: #333; --rule: #bbb; --accent: #1f5fa8; --good: #000;
  --bad: #000 }
  header, nav, main, footer { max-width: none }
  nav, .skip { display: none }
  svg.wide { display: block }
  svg.narrow { display: none }
  figure, tr, dl div { break-inside: avoid }
  h2, h3 { break-after: avoid }
  .scroll { overflow: visible }
  .answer { border: 1px solid #000 }
}
)css";
}

}  // namespace tessera::pipeline::html
