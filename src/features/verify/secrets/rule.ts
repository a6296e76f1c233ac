import type { RuleId } from '../family.ts';
import type { Rule } from '../rule.ts';
import type { SecretKind } from './secret.ts';

/** Advice about a credential in a file. */
export const REVOKE =
  'Revoke it: anyone who can read the repository has it. Then take it from the environment or a secret store.';

/** The rule that reports secrets of a kind. The value is not known to it. */
export function secretRule(
  id: RuleId,
  kind: SecretKind,
  title: string,
  message: (name: string) => string,
): Rule<'secret'> {
  return {
    id,
    level: 'error',
    title,
    subject: 'secret',
    within: 'repository',
    check: (secret) =>
      secret.kind === kind
        ? [
            {
              ...(secret.inPath === undefined
                ? { message: message(secret.name) }
                : { message: `Credential in the name of a file (${secret.name}).`, path: secret.inPath }),
              line: secret.line,
              column: secret.column,
              key: secret.key,
              fix: { kind: 'text', text: REVOKE },
            },
          ]
        : [],
  };
}
