import { BaseCommand } from '../cli/base-command.ts';
import { eventFlags, reportFlags, selectionArgs, selectionFlags, selectionOf } from '../cli/flags.ts';
import { requestOf, verifyFlags } from '../cli/verify-flags.ts';
import type { ExitCode } from '../core/errors.ts';

export default class Verify extends BaseCommand {
  static override documents = ['primitive.verify/v1'];
  static override docs = 'verify.md';
  static override summary = 'Check primitives: shape, generated files, imports, stubs, secrets, tests.';
  static override description = [
    'Checks the work tree, committed or not, without files that git ignores, and changes nothing in it.',
    'Exits 1 if there are errors, and 3 if a check could not run: that is never "passed".',
  ].join(' ');
  static override examples = [
    { description: 'Check everything', command: '<%= config.bin %> verify' },
    { description: 'In a pull request', command: '<%= config.bin %> verify --changed-since origin/main' },
    { description: 'Fast, before a commit', command: '<%= config.bin %> verify domain/orders --no-tests' },
  ];
  static override args = selectionArgs;
  static override flags = {
    ...selectionFlags,
    ...reportFlags('sarif', 'junit', 'markdown'),
    ...eventFlags,
    ...verifyFlags,
  };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(Verify);
    return this.act(flags, async (app) => {
      const { verifiedEvent, verify } = await import('../features/verify/run.ts');
      const { verifyOutcome } = await import('../features/verify/view.ts');
      const { openVerify } = await import('../features/verify/open.ts');
      const { familiesOf, parseFamilies } = await import('../features/verify/family.ts');
      const ports = await openVerify(
        {
          ...app,
          regenerate: async (...task) =>
            (await import('../features/generate/context.ts')).regenerate(app)(...task),
          compareProto: async (...proto) =>
            (await import('../features/generate/breaking.ts')).compareProto(app)(...proto),
          released: async () => (await import('../features/verify/last-release.ts')).lastRelease(app),
        },
        flags,
      );
      const families = parseFamilies(flags.only ?? [], familiesOf(ports.rules));
      const request = { ...requestOf(selectionOf(flags, args), flags), families };
      const shown = { maxFindings: flags['max-findings'] || Number.POSITIVE_INFINITY };
      const result = await verify(request, ports);
      await app.hooks('verified', verifiedEvent(result));
      return verifyOutcome(result, ports.rules, app.version, shown);
    });
  }
}
