import { type BuilderWiring, wireBuilder } from './builder.ts';
import type { WiringContext } from './context.ts';
import { type GithubWiring, wireGithub } from './github.ts';
import { type RegistryWiring, wireRegistry } from './registry.ts';
import { type SigningWiring, wireSigning } from './signing.ts';
import { type WorkspaceWiring, wireWorkspace } from './workspace.ts';

/**
 * Makes adapters from the environment, each one once and when it is first asked for, and loads its module only then.
 * Every method throws the PrimitiveError of what it makes.
 */
export type Wiring = WorkspaceWiring &
  RegistryWiring &
  SigningWiring &
  BuilderWiring &
  Omit<GithubWiring, 'closeGithub'>;

export function createWiring(context: WiringContext): Wiring {
  const workspace = wireWorkspace(context);
  const registry = wireRegistry(context, workspace);
  const { closeGithub, ...github } = wireGithub(context, workspace);
  return {
    ...workspace,
    ...registry,
    ...github,
    ...wireSigning(context, workspace),
    ...wireBuilder(context, workspace),
    close: async () => {
      await Promise.all([registry.close(), closeGithub()]);
    },
  };
}
