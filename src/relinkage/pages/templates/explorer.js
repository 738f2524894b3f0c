"use strict";
(() => {
  const at = (name) => document.getElementById("explorer-" + name);
  const { runs, start } = JSON.parse(at("data").textContent);
  const SPACE = "\u00a0";

  // Numbers as the rest of the page writes them (pages/wording.py).
  const fixed = (value, digits) =>
    new Intl.NumberFormat("en-US", {
      minimumFractionDigits: digits, maximumFractionDigits: digits, roundingMode: "halfEven",
    }).format(value);
  const exponent = (value) => Number(value.toExponential().split("e")[1]);
  const count = (number) => fixed(number, 0);
  const plural = (noun) => (/[rd]y$/.test(noun) ? noun.slice(0, -1) + "ies" : noun + "s");
  const counted = (number, noun) => (number === 1 ? "1" + SPACE + noun : count(number) + SPACE + plural(noun));
  const digits = (value) => (value >= 99.5 ? 2 : value >= 10 ? 1 : value >= 1 ? 2 : 1 - exponent(value));
  const number = (share) => {
    const value = 100 * share;
    if (value === 0 || value >= 100) return fixed(value, 0);
    if (value > 99.99) return "over" + SPACE + "99.99";
    return value < 1e-6 ? "under" + SPACE + "0.000001" : fixed(value, digits(value));
  };
  const percent = (share) => number(share) + SPACE + "%";
  const bare = (share) => number(share).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "") + SPACE + "%";
  const interval = (low, high) => number(low > 1e-8 ? low : 0) + " to " + percent(high);
  const times = (lift) =>
    lift >= 100 ? count(lift) : lift >= 10 ? fixed(lift, 1) : lift >= 0.1 ? fixed(lift, 2) : "" + +lift.toPrecision(2);
  const few = (value) => (value >= 10 ? count(value) : "" + +value.toPrecision(2));

  // The rows of a pool size, one a size: where all that is eligible has the size of a pool, it goes before.
  const bySize = (rows) => [...new Map(rows.map((row) => [row.pool, row])).values()];

  // The row of a size, or where none was audited both neighbours with their place, or nothing.
  const around = (rows, size) => {
    const row = rows.find((one) => one.pool === size);
    const place = rows.findIndex((one) => one.pool > size);
    return row ? { row } : place > 0 ? { low: rows[place - 1], high: rows[place], place } : {};
  };

  // A cubic through the four audited pools around, on logarithmic axes, and no further than its neighbours.
  const between = (rows, place, size, name) => {
    const ends = [rows[place - 1][name], rows[place][name]];
    const four = rows.slice(Math.max(place - 2, 0), place + 2);
    const logarithmic = four.every((row) => row[name] > 0);
    const near = logarithmic ? four : rows.slice(place - 1, place + 1);
    const xs = near.map((row) => Math.log(row.pool)), x = Math.log(size);
    const weights = xs.map((mine, i) => xs.reduce((w, other, j) => (i === j ? w : (w * (x - other)) / (mine - other)), 1));
    const sum = near.reduce((total, row, i) => total + weights[i] * (logarithmic ? Math.log(row[name]) : row[name]), 0);
    return Math.min(Math.max(logarithmic ? Math.exp(sum) : sum, Math.min(...ends)), Math.max(...ends));
  };

  const estimate = (group, k, size) => {
    const rows = bySize(group.rows.filter((row) => row.k === k));
    const { row, low, high } = around(rows, size);
    if (row || !low) return row;
    // Larger pools of other queries say nothing of these, nor does all that is eligible inside a stratum.
    if (low.queries !== high.queries || (group.strata && high.full)) return undefined;
    const line = rows.filter((one) => one.queries === low.queries && !(group.strata && one.full));
    const { place } = around(line, size);
    const values = ["recall", "low", "high", "linked"].map((name) => [name, between(line, place, size, name)]);
    return { ...low, ...Object.fromEntries(values), pool: size, chance: Math.min(k / size, 1), about: true };
  };

  // PPV = prior * TPIR / (prior * (TPIR + misidentified) + (1 - prior) * FPIR), as measured.
  const worth = (row, prior) => {
    const known = row.worth.find((entry) => entry[0] === prior);
    if (known) return { value: known[1], low: known[2], high: known[3] };
    const claims = prior * (row.tpir + row.misidentified) + (1 - prior) * row.measured;
    return { value: claims > 0 ? Math.min((prior * row.tpir) / claims, 1) : null };
  };

  const show = (key, value, note) => {
    at(key).textContent = value;
    at(key + "-note").textContent = note;
  };
  const fill = (select, entries, wanted) => {
    select.replaceChildren(...entries.map(([text, value]) => new Option(text, value)));
    const values = entries.map(([, value]) => "" + value);
    select.value = values.includes("" + wanted) ? wanted : values[0];
  };

  const run = () => runs[at("run").value];
  const group = () => run().groups[at("group").value];
  const sizes = () => group().rows.map((row) => row.pool);
  const least = () => Math.min(...sizes());
  const most = () => Math.max(...sizes());
  const pool = () => {
    const asked = Math.round(Number(at("pool").value));
    return Math.min(Math.max(asked || least(), least()), most());
  };
  const span = () => Math.log(most() / least()) || 1;
  const place = (size) => Math.round((1000 * Math.log(size / least())) / span());

  const tell = () => {
    const here = group(), size = pool(), k = Number(at("k").value), share = Number(at("prior").value) / 100;
    const prior = Math.min(Math.max(share || 0, 0), 1);
    const row = estimate(here, k, size), about = row?.about ? "about" + SPACE : "";
    at("recall-name").textContent = "Recall@" + k;
    at("linked-name").textContent = (run().who === "patient" ? "Patients" : "Studies") + " linked";
    if (row) {
      const own = here.strata && row.full ? "own stratum, up to " : row.full ? "all " : "";
      show("recall", about + percent(row.recall), run().level + " interval " + about + interval(row.low, row.high));
      show("chance", bare(row.chance), k + " of " + own + counted(size, here.candidate));
      show("lift", about + times(row.recall / row.chance) + SPACE + "\u00d7", "recall divided by chance");
      show("linked", about + few(row.linked), "of " + counted(row.patients, run().who) + " at hand, by at least one "
        + here.query + "; the attacker does not know which");
    } else {
      const rows = bySize(here.rows.filter((other) => other.k === k)).map((other) => count(other.pool));
      const note = "not audited at this size; for this K at " + rows.join(", ");
      for (const key of ["recall", "chance", "lift", "linked"]) show(key, "\u2013", key === "recall" ? note : "");
    }
    tellWorth(here, size, prior);
  };

  const tellWorth = (here, size, prior) => {
    const held = "at a prior of " + bare(prior);
    if (at("claim").value === "always") {
      const first = estimate(here, 1, size);
      if (!first) return show("worth", "\u2013", "Recall@1 was not audited at this size");
      const about = first.about ? "about" + SPACE : "";
      return show("worth", about + percent(prior * first.recall), "of claims name the mate, " + held);
    }
    const [score, rate] = JSON.parse(at("claim").value);
    const rows = bySize(here.claims.filter((row) => row.score === score && row.fpir === rate));
    const found = around(rows, size);
    if (!found.row && !found.low) return show("worth", "\u2013", "the open set was audited at " + rows.map((row) => count(row.pool)).join(", "));
    if (found.row) {
      const { value, low, high } = worth(found.row, prior);
      const sure = low === undefined || low === null ? "" : ", interval " + interval(low, high);
      const set = found.row.thresholds.map((one) => "" + +one.toPrecision(4)).join(" and ");
      return show("worth", value === null ? "no claims" : percent(value), "of claims name the mate, " + held + sure
        + "; finds " + percent(found.row.tpir) + " of the mates; thresholds " + set);
    }
    const ends = [found.low, found.high].map((row) => worth(row, prior).value);
    const [a, b] = ends.map((value) => (value === null ? "no claims" : percent(value)));
    return show("worth", a + " to " + b, "of claims name the mate, " + held + ", at the audited pools of "
      + count(found.low.pool) + " and " + count(found.high.pool));
  };

  const offer = () => {
    const title = at("group").selectedOptions[0] ? at("group").selectedOptions[0].text : null;
    const kept = run().groups.findIndex((one) => one.title === title);
    fill(at("group"), run().groups.map((one, i) => [one.title, i]), Math.max(kept, 0));
    const here = group();
    fill(at("k"), [...new Set(here.rows.map((row) => row.k))].sort((a, b) => a - b).map((k) => [k, k]), at("k").value);
    const rates = new Map(here.claims.map((row) => [JSON.stringify([row.score, row.fpir]), row]));
    const named = [...rates].map(([value, row]) => ["at " + bare(row.fpir) + " false claims, by the " + row.score, value]);
    fill(at("claim"), [["in every search", "always"], ...named], at("claim").value);
    at("pools").replaceChildren(...[...new Set(sizes())].map((size) => new Option("", size)));
    at("pool").min = least();
    at("pool").max = most();
    at("slider").disabled = least() === most();
    settle();
  };
  const settle = () => {
    at("pool").value = pool();
    at("slider").value = place(pool());
    at("slider").setAttribute("aria-valuetext", count(pool()));
    tell();
  };
  const slide = () => {
    const asked = Number(at("slider").value);
    const audited = sizes().find((size) => Math.abs(place(size) - asked) < 5);
    at("pool").value = audited || Math.round(least() * Math.exp((asked / 1000) * span()));
    at("pool").value = pool();
    at("slider").setAttribute("aria-valuetext", count(pool()));
    tell();
  };

  fill(at("run"), runs.map((one, i) => [one.name, i]), start.run);
  fill(at("group"), run().groups.map((one, i) => [one.title, i]), start.group);
  at("pool").value = start.pool;
  at("run").addEventListener("change", offer);
  at("group").addEventListener("change", offer);
  at("k").addEventListener("change", tell);
  at("claim").addEventListener("change", tell);
  at("prior").addEventListener("input", tell);
  at("pool").addEventListener("input", tell);
  at("pool").addEventListener("change", settle);
  at("slider").addEventListener("input", slide);
  offer();
  fill(at("k"), [...at("k").options].map((one) => [one.text, one.value]), start.k);
  tell();
  for (const hidden of document.querySelectorAll("#explorer, #explorer-entry")) hidden.hidden = false;
})();
