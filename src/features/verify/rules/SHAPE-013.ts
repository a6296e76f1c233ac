import type { Rule } from '../rule.ts';

const SECRET =
  /(?:^|_)(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|SECRET_?KEY|ACCESS_?KEY|CREDENTIALS?)$/i;

/** The value of an argument is always kept in the history of the image; a variable may be named without one. */
export const rule: Rule<'dockerfile'> = {
  id: 'SHAPE-013',
  level: 'error',
  title: 'Secret in ENV or ARG',
  subject: 'dockerfile',
  check: ({ variables }) =>
    variables
      .filter(
        ({ instruction, name, value }) =>
          SECRET.test(name) && (instruction === 'ARG' || (value ?? '') !== ''),
      )
      .map(({ line, instruction, name }) => ({
        message: `${instruction} ${name} leaves a secret in the image.`,
        line,
        fix: {
          kind: 'text',
          text: `Build: RUN --mount=type=secret,id=${name.toLowerCase()} …; at run time: set it where this is deployed.`,
        },
      })),
};
