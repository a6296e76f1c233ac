import { PrimitiveError } from '../../core/errors.ts';
import { within } from '../../core/within.ts';
import type { Probe } from './examine.ts';

/** What the set-up of the kit has printed, called with `--check`. */
export interface SetupCheck {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How long doctor waits for all calls to GitHub, in milliseconds: there are about ten, one after the other. */
const PATIENCE = 60_000;

const SETUP = 'node .github/primitive/setup.mjs';

/** Whether a GitOps repository is set up on GitHub as its README says. */
export function setupProbe(check: (signal: AbortSignal) => Promise<SetupCheck>): Probe {
  return {
    id: 'setup',
    needs: [],
    run: async () => {
      const { exitCode, stdout, stderr } = await within(PATIENCE, 'GitHub', check);
      const missing = [...stdout.matchAll(/^missing +(.*(?:\n +.*)*)/gm)].map(([, text = '']) => text);
      const total = missing.length + [...stdout.matchAll(/^ok +/gm)].length;
      if (exitCode === 0) return { detail: `all ${total} points are set up on GitHub` };
      if (exitCode !== 1 || missing.length === 0) {
        const why = stderr.replace(/^setup: /, '').trim();
        const next = why === 'gh is not on PATH' ? 'Install gh: https://cli.github.com' : 'gh auth login';
        throw new PrimitiveError('gitops-setup-unknown', 'Cannot read how this repository is set up.', {
          why,
          suggestions: [next, `${SETUP} --check`],
          exit: 3,
        });
      }
      throw new PrimitiveError(
        'gitops-setup-missing',
        `${missing.length} of ${total} points are not set up on GitHub.`,
        {
          why: missing.join('\n'),
          suggestions: [`${SETUP} --dry-run`, SETUP, 'See *Set up once* in .github/primitive/README.md'],
        },
      );
    },
  };
}
