import type { MemoryRegistry, Operation } from './memory-registry.ts';

/** Turns of the event loop without a further question after which all that waits is taken to wait for answers. */
const QUIET_TURNS = 50;

/**
 * From now on answers in rounds: all that is asked without waiting for an answer is one round, so that their number is
 * what a publish costs on a link where time goes by with waiting. Returns the rounds so far.
 */
export function answerInRounds(registry: MemoryRegistry): readonly (readonly Operation[])[] {
  const rounds: Operation[][] = [];
  let asked = 0;
  let open: { readonly operations: Operation[]; readonly answered: Promise<void> } | undefined;

  async function close(answer: () => void): Promise<void> {
    for (let quiet = 0, seen = asked; quiet < QUIET_TURNS; quiet++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (seen === asked) continue;
      seen = asked;
      quiet = 0;
    }
    if (open) rounds.push(open.operations);
    open = undefined;
    answer();
  }

  registry.hook(async (operation) => {
    asked++;
    if (open === undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      open = { operations: [], answered: promise };
      void close(resolve);
    }
    open.operations.push(operation);
    await open.answered;
    return undefined;
  });
  return rounds;
}
