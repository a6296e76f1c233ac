import { advisoryText } from '../../kinds/advisory-report.ts';
import type { Outcome } from '../../render/outcome.ts';
import type { Style } from '../../render/style.ts';
import { table } from '../../render/table.ts';
import { sanitizeLine } from '../../render/text.ts';
import type { ReleaseReport, ReportedImage } from './document.ts';

/** Everything that a report on a release can be shown as. Exit code 1 if less than what is required was found. */
export function releaseOutcome(document: ReleaseReport): Outcome {
  return { document, text: (style) => releaseText(document, style), exit: isEnough(document) ? 0 : 1 };
}

function isEnough({ verdict, required }: ReleaseReport): boolean {
  return verdict === 'trusted' || verdict === required;
}

/** The verdict, the record, and each image with what seals it. */
function releaseText(report: ReleaseReport, style: Style): string {
  const { target, verdict, required, checked, record, problem, images } = report;
  const paint = isEnough(report) ? style.green : style.red;
  const what = checked === 'record' ? 'release record' : images.length === 1 && !record ? 'image' : 'release';
  const need = verdict !== 'rejected' && !isEnough(report) ? `, but ${required} is required` : '';
  const facts = record && [
    ['commit', record.commit],
    ['source', sanitizeLine(record.source ?? '-')],
    ['record', record.digest],
    ['signer', sanitizeLine(record.seal.signer)],
  ];
  return [
    `${style.bold(sanitizeLine(target))}\n`,
    `${style.hang('', `${paint(`${what}: ${verdict}`)}${need}${problem ? `: ${sanitizeLine(problem.detail)}` : ''}`)}\n`,
    ...(facts ? ['\n', table(facts, style)] : []),
    ...images.map((image) => `\n${imageText(image, style)}`),
    ...(record && images.some(({ advisories }) => advisories === null)
      ? [
          `\nAdvisories of templates are not known: commit ${record.commit.slice(0, 12)} is not in this clone. To fetch it: git fetch origin ${record.commit}\n`,
        ]
      : []),
    ...(checked === 'record' && record ? ['\nTo verify each image: primitive release verify\n'] : []),
  ].join('');
}

function imageText(
  { kind, name, ref, platforms, bundles, advisories, seal, problem }: ReportedImage,
  style: Style,
): string {
  const title = kind === null ? sanitizeLine(ref) : sanitizeLine(`${kind}/${name}`);
  const rows = [
    ...(kind === null ? [] : [['image', sanitizeLine(ref)]]),
    ...(seal ? [['signer', sanitizeLine(`${seal.signer} (${seal.tier})`)]] : []),
    ...(problem ? [['problem', style.red(sanitizeLine(problem.detail))]] : []),
    ...(advisories ?? []).map((one) => [
      'advisory',
      (one.state === 'affected' ? style.red : style.yellow)(sanitizeLine(advisoryText(one))),
    ]),
    ...(platforms.length > 0 ? [['platforms', sanitizeLine(platforms.join(', '))]] : []),
    ...(bundles
      ? [
          ['signature', bundles.signature],
          ['provenance', bundles.provenance],
          ...bundles.sbom.map(({ platform, digest }) => ['sbom', `${digest} (${sanitizeLine(platform)})`]),
        ]
      : []),
  ];
  return `${style.bold(title)}\n${table(
    rows.map(([key = '', value = '']) => [`  ${key}`, value]),
    style,
  )}`;
}
