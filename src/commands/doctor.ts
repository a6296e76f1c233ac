import { BaseCommand } from '../cli/base-command.ts';
import { reportFlags } from '../cli/flags.ts';
import { doctorPorts } from '../cli/ports/doctor.ts';
import { warnOfShortSecrets } from '../cli/session.ts';
import type { ExitCode } from '../core/errors.ts';

export default class Doctor extends BaseCommand {
  static override summary = 'Check what a publish needs, and how to fix what is missing.';
  static override description =
    'Rehearses a publish up to its first effect: config, inputs, identity, plan, Dockerfiles, tools, push access and bases. Changes nothing. What gives no answer within 10 seconds is listed as not checked. Exit code 1: something has to be fixed; 3: a tool, the network or a credential failed.';
  static override flags = { ...reportFlags() };

  async run(): Promise<ExitCode> {
    const { flags } = await this.parse(Doctor);
    return this.act(flags, async (session) => {
      warnOfShortSecrets(session);
      const { runDoctor } = await import('../features/doctor/run.ts');
      const { doctorOutcome } = await import('../features/doctor/view.ts');
      return doctorOutcome(await runDoctor(await doctorPorts(session)));
    });
  }
}
