import { type BuilderWiring, wireBuilder } from './builder.ts';
import type { WiringContext } from './context.ts';
import { type RegistryWiring, wireRegistry } from './registry.ts';
import { type SigningWiring, wireSigning } from './signing.ts';
import { type WorkspaceWiring, wireWorkspace } from './workspace.ts';

/**
 * Makes adapters from the environment, each one once and when it is first asked for, and loads its module only then.
 * Every method throws the PrimitiveError of what it makes.
 */
export type Wiring = WorkspaceWiring & RegistryWiring & SigningWiring & BuilderWiring;

export function createWiring(context: WiringContext): Wiring {
  const workspace = wireWorkspace(context);
  return {
    ...workspace,
    ...wireRegistry(context, workspace),
    ...wireSigning(context, workspace),
    ...wireBuilder(context, workspace),
  };
}
