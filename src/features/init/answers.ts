import { PrimitiveError } from '../../core/errors.ts';
import { type InitAnswers, type InitGuess, knownRegistry, registryFault, repositoryOf } from './guess.ts';

export interface InitQuestion {
  readonly text: string;
  /** The answer if only return is pressed. */
  readonly preset?: string;
  /** Why an answer cannot be used; undefined if it can. */
  readonly fault: (answer: string) => string | undefined;
}

/** Asks for what could not be guessed. Throws `missing-flag` (exit 2), which names the flags, without a terminal. */
export async function complete(
  { repository, registry, branch }: InitGuess,
  ask: ((question: InitQuestion) => Promise<string>) | undefined,
): Promise<Omit<InitAnswers, 'languages' | 'ids'>> {
  if (repository !== undefined && registry !== undefined) return { repository, registry, branch };
  if (ask === undefined) throw incomplete(repository, registry);
  const answered =
    repository ??
    repositoryOf(await ask({ text: 'Repository, such as acme/app', fault: faultOf(repositoryOf) }));
  const place =
    registry ??
    knownRegistry(answered) ??
    (await ask({ text: 'Registry for images, such as ghcr.io/acme', fault: registryFault }));
  return { repository: answered, registry: place, branch };
}

function faultOf(check: (answer: string) => unknown) {
  return (answer: string): string | undefined => {
    try {
      check(answer);
      return undefined;
    } catch (error) {
      return error instanceof PrimitiveError ? (error.why ?? error.message) : undefined;
    }
  };
}

function incomplete(repository: string | undefined, registry: string | undefined): PrimitiveError {
  const open = [
    ...(repository === undefined ? ['--repository OWNER/NAME'] : []),
    ...(registry === undefined && repository !== undefined ? ['--registry HOST/PATH'] : []),
  ];
  return new PrimitiveError('missing-flag', `init requires ${open.join(' and ')}.`, {
    why:
      repository === undefined
        ? 'The repository has no remote to derive it from.'
        : `No registry is known for ${repository}.`,
    suggestions: [`primitive init ${open.join(' ')}`, 'Or: git remote add origin URL && primitive init'],
  });
}
