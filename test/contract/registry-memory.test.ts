import { createMemoryRegistry } from '../support/memory-registry.ts';
import { type RegistryTarget, testRegistries } from './registry.ts';

testRegistries({
  'memory, referrers API': async () => memory(true),
  'memory, fallback index': async () => memory(false),
});

function memory(referrersApi: boolean): RegistryTarget {
  const registry = createMemoryRegistry({ referrersApi });
  return { registry, other: registry, host: 'registry.example', [Symbol.asyncDispose]: async () => {} };
}
