import type { Variables } from '../core/variables.ts';

/** A package manager sets one of them for what it starts: npm, pnpm, Yarn and Bun. */
const STARTED_BY = ['npm_command', 'npm_lifecycle_event', 'npm_execpath', 'npm_config_user_agent'];

/**
 * Changes to the environment of npm, for one that takes no setting of a checkout: under `npx` and scripts the package
 * manager hands down those of the checkout's `.npmrc`. The user's own are read from their files again.
 */
export function withoutCheckoutSettings(variables: Variables): Readonly<Record<string, undefined>> {
  const isHandedDown = STARTED_BY.some((name) => variables[name] !== undefined);
  const handedDown = isHandedDown ? Object.keys(variables).filter((name) => /^npm_/.test(name)) : [];
  return Object.fromEntries(
    [...handedDown, 'npm_config_local_prefix', 'INIT_CWD'].map((name) => [name, undefined]),
  );
}
