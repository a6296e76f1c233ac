import { BaseCommand } from '../cli/base-command.ts';
import type { ExitCode } from '../core/errors.ts';

export default class Version extends BaseCommand {
  static override summary = 'Print the versions of primitive and Node, and the host.';
  static override description = '`primitive --version` prints the same.';
  static override documents = ['primitive.version/v1'];

  async run(): Promise<ExitCode> {
    const { flags } = await this.parse(Version);
    return this.act(flags, async ({ version, platform, arch }) => {
      const { node } = process.versions;
      const host = `${platform}-${arch}`;
      return {
        document: { schema: 'primitive.version/v1', version, node, host },
        text: () => `primitive ${version} (node ${node}, ${host})\n`,
        exit: 0,
      };
    });
  }
}
