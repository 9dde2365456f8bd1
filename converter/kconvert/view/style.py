"""The style and the script of the page, which stand in it."""

from __future__ import annotations

STYLE = """
:root{--line:#d9dee5;--text:#1c2733;--soft:#66758a;--paper:#fff;--back:#f5f7fa;--accent:#2563c9}
*{box-sizing:border-box}
body{margin:0;height:100vh;display:grid;grid-template-columns:300px 1fr 460px;font:14px/1.45 system-ui,sans-serif;
color:var(--text);background:var(--back)}
nav,aside{background:var(--paper);overflow:auto;padding:16px}
nav{border-right:1px solid var(--line);display:flex;flex-direction:column}
aside{border-left:1px solid var(--line)}
main{overflow:auto;text-align:center;padding:12px}
h1{font-size:17px;margin:0 0 8px;overflow-wrap:anywhere}
h2{font-size:16px;margin:0 0 8px;overflow-wrap:anywhere}
h3{font-size:13px;margin:16px 0 4px}
dl{margin:0 0 12px;display:grid;grid-template-columns:auto 1fr;gap:2px 10px;font-size:12.5px}
dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere}
input{font:inherit;width:100%;padding:7px 10px;border:1px solid var(--line);border-radius:7px}
ol{list-style:none;margin:10px 0 0;padding:0}
li a{display:block;padding:3px 6px;border-radius:5px;color:inherit;text-decoration:none;overflow-wrap:anywhere}
li a:hover,li a.here{background:#e8effb}
small{color:var(--soft)}
td small{display:block}
i{display:inline-block;width:9px;height:9px;border-radius:3px;margin-right:7px;background:currentColor}
section{display:none}
section:target{display:block}
aside:has(section:target) .hint{display:none}
.hint{color:var(--soft)}
table{border-collapse:collapse;width:100%;font-size:12px;margin:10px 0;table-layout:fixed}
th{color:var(--soft);font-weight:500;text-align:left}
th,td{border-bottom:1px solid var(--line);padding:4px 6px 4px 0;vertical-align:top;overflow-wrap:anywhere}
details{border:1px solid var(--line);border-radius:7px;padding:8px;margin:10px 0}
summary{cursor:pointer}
.body{overflow:auto;background:var(--back);border-radius:6px;margin-top:8px}
.edge{fill:none;stroke:#9aa8ba;stroke-width:1.4}
.box rect{fill:#fff;stroke:currentColor;stroke-width:1.6}
.box text{text-anchor:middle;fill:var(--text)}
.box .name{font-weight:600;font-size:12.5px}
.box .note{font-size:11px;fill:var(--soft)}
main a:hover rect,a.here rect{fill:#eaf1fd}
a.here rect{stroke-width:3}
.input,.output{color:#55606e}
.conv{color:#2563c9}
.dense{color:#7a3fc0}
.recurrent{color:#b8610a}
.norm{color:#17867f}
.pool{color:#4b8f29}
.attention{color:#b3266e}
.training{color:#a4a911}
.other{color:#7d8794}
.bars rect{fill:var(--accent)}
.faint{opacity:.15}
@media (max-width:900px){body{display:block;height:auto}}
"""

SCRIPT = """
"use strict";
const search = document.getElementById("search");
const items = [...document.querySelectorAll("#layers a")];
const boxes = new Map([...document.querySelectorAll("main a")].map(a => [a.getAttribute("href"), a]));
const texts = items.map(a => {
  const section = document.querySelector(a.getAttribute("href"));
  const cells = [...section.querySelectorAll("h2, dd, td")].map(e => e.textContent);
  return [a.textContent, ...cells].join("\\n").toLowerCase();
});
function filter() {
  const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
  items.forEach((a, n) => {
    const found = words.every(word => texts[n].includes(word));
    a.parentElement.hidden = !found;
    boxes.get(a.getAttribute("href")).classList.toggle("faint", !found);
  });
}
function show() {
  for (const a of [...items, ...boxes.values()]) a.classList.toggle("here", a.getAttribute("href") === location.hash);
  const box = boxes.get(location.hash);
  if (box) box.scrollIntoView({block: "center", inline: "center"});
}
search.addEventListener("input", filter);
search.addEventListener("keydown", event => {
  const first = items.find(a => !a.parentElement.hidden);
  if (event.key === "Enter" && first) location.hash = first.getAttribute("href");
});
addEventListener("hashchange", show);
show();
"""
