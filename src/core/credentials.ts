import type { Variables } from './variables.ts';

/** Why a program gets credentials of the environment: to sign as this run, or to write the layer cache of GitHub Actions. */
export type Need = 'signing' | 'layer-cache';

const NEEDED: Readonly<Record<Need, RegExp>> = {
  signing: /^(?:COSIGN|SIGSTORE)_/i,
  'layer-cache': /^ACTIONS_(?:RUNTIME|RESULTS|CACHE)_/i,
};

/** ACTIONS_ID_TOKEN_REQUEST_TOKEN is among them: this process alone asks for tokens, and no program gets it. */
const WITHHELD = /^(?:ACTIONS|COSIGN|SIGSTORE)_/i;

/** In PEM: a signing key of `env://NAME`, or that of a GitHub App. */
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;

/** An environment without what signs as this run or writes its caches. */
export function withoutCredentials(variables: Variables): Variables {
  return filter(variables, (name, value) => !WITHHELD.test(name) && !PRIVATE_KEY.test(value));
}

/** The part of an environment that a need stands for. */
export function credentialsFor(need: Need, variables: Variables): Variables {
  return filter(
    variables,
    (name, value) => NEEDED[need].test(name) || (need === 'signing' && PRIVATE_KEY.test(value)),
  );
}

function filter(variables: Variables, isKept: (name: string, value: string) => boolean): Variables {
  return Object.fromEntries(Object.entries(variables).filter(([name, value = '']) => isKept(name, value)));
}
