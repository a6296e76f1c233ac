import type { ErrorDocument } from '../core/error-document.ts';
import { junitXml } from '../render/junit.ts';
import { stringifyDocument } from '../render/outcome.ts';
import { sarifLog } from '../render/sarif.ts';
import { markdownText } from '../render/text.ts';

/** An error in a format of `--report`. `version`: of this program. */
export function errorReport(format: string, error: ErrorDocument, version: string): string {
  const { code, message, why, suggestions } = error;
  const text = why === null ? message : `${message}\n${why}`;
  switch (format) {
    case 'markdown': {
      const lines = [...(why ?? '').split('\n'), ...suggestions.map((line) => `- ${line}`)];
      return [`### ${markdownText(message)}`, '', ...lines.map(markdownText), ''].join('\n');
    }
    case 'junit': {
      const failed = { name: code, group: 'primitive', status: 'error', type: code, text } as const;
      return junitXml([{ name: 'primitive', cases: [failed] }]);
    }
    case 'sarif':
      return sarifLog(version, [], [], { code, text });
    default:
      return stringifyDocument(error);
  }
}
