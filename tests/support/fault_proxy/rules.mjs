// SPDX-License-Identifier: Apache-2.0
// A rule says which fault happens to which requests, and how often. Rules are data: they come as JSON over the control
// port and a rule with an unknown fault or parameter is refused, so that a misspelt test cannot pass by doing nothing.

/** "*" stands for any characters; nothing else is special. */
export function glob(pattern) {
  const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replace(/\*/g, ".*");
  const expression = new RegExp(`^${escaped}$`, "s");
  return (text) => expression.test(text);
}

export function globs(patterns) {
  const all = (Array.isArray(patterns) ? patterns : [patterns]).map(glob);
  return (text) => all.some((matches) => matches(text));
}

/** mulberry32: small, seeded, the same on every machine. */
export function randomOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** What every rule may say beside its fault's own parameters. */
const COMMON = {
  on: "listener names, globs (default all)",
  methods: "JSON-RPC methods, globs (default all)",
  userAgent: "globs (default all)",
  every: "the n-th, 2n-th, ... match only",
  skip: "the first n matches are spared",
  count: "at most so often",
  afterMs: "not before so long after the rule came",
  forMs: "and only for so long",
  chance: "0 to 1, from the seed",
  seed: "of chance, jitter and shuffling (default 1)",
};

export class BadRule extends Error {}

export class Rule {
  matched = 0;
  fired = 0;

  /** `kind`: {layer, params: [names], make(params, rule) -> the fault} */
  constructor(id, spec, kind, now) {
    this.id = id;
    this.spec = spec;
    this.layer = kind.layer;
    for (const name of Object.keys(spec)) {
      if (name !== "fault" && !(name in COMMON) && !kind.params.includes(name)) {
        throw new BadRule(`${spec.fault} has no parameter "${name}"; it has: ${kind.params.join(", ") || "none"}; ` +
          `every rule has: ${Object.keys(COMMON).join(", ")}`);
      }
    }
    for (const name of ["every", "skip", "count", "afterMs", "forMs"]) {
      const least = name === "every" || name === "count" ? 1 : 0;
      if (name in spec && !(Number.isInteger(spec[name]) && spec[name] >= least)) {
        throw new BadRule(`${name} is an integer of at least ${least}`);
      }
    }
    this.random = randomOf(spec.seed ?? 1);
    this.onListener = globs(spec.on ?? "*");
    this.onMethod = globs(spec.methods ?? "*");
    this.onAgent = globs(spec.userAgent ?? "*");
    this.from = now + (spec.afterMs ?? 0);
    this.until = spec.forMs === undefined ? Infinity : this.from + spec.forMs;
    this.fault = kind.make(spec, this);
  }

  concerns(listener, userAgent, method) {
    return this.onListener(listener) && this.onAgent(userAgent) && this.onMethod(method);
  }

  /** Counts a match; whether it is one on which the fault happens. */
  fires(now) {
    if (now < this.from || now >= this.until) return false;
    this.matched += 1;
    const { every = 1, skip = 0, count = Infinity, chance = 1 } = this.spec;
    if (this.matched <= skip || (this.matched - skip) % every !== 0 || this.fired >= count) return false;
    if (chance < 1 && this.random() >= chance) return false;
    this.fired += 1;
    return true;
  }

  describe() {
    return { id: this.id, spec: this.spec, layer: this.layer, matched: this.matched, fired: this.fired };
  }
}

export class RuleBook {
  #nextId = 1;
  rules = [];

  constructor(kinds, clock) {
    this.kinds = kinds;
    this.clock = clock;
  }

  #make(spec) {
    const kind = this.kinds[spec?.fault];
    if (!kind) throw new BadRule(`no fault "${spec?.fault}"; there are: ${Object.keys(this.kinds).join(", ")}`);
    return new Rule(this.#nextId++, spec, kind, this.clock());
  }

  /** All or none of them; their ids. */
  add(specs) {
    const made = specs.map((spec) => this.#make(spec));
    this.rules.push(...made);
    return made.map((rule) => rule.id);
  }

  replace(specs) {
    const made = specs.map((spec) => this.#make(spec));
    this.rules = made;
    return made.map((rule) => rule.id);
  }

  remove(id) {
    const before = this.rules.length;
    this.rules = this.rules.filter((rule) => rule.id !== id);
    return before - this.rules.length;
  }

  /** Rules of a layer that happen to one call (or, for a whole request, to any of its calls). */
  firing(layer, listener, userAgent, methods) {
    const now = this.clock();
    return this.rules.filter((rule) => rule.layer === layer &&
      methods.some((method) => rule.concerns(listener, userAgent, method)) && rule.fires(now));
  }

  has(layer) {
    return this.rules.some((rule) => rule.layer === layer);
  }
}
