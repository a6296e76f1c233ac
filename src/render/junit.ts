/** One case of a JUnit report. */
export interface JunitCase {
  readonly name: string;
  /** Class, package or file. */
  readonly group: string;
  readonly status: 'passed' | 'skipped' | 'failed' | 'error';
  /** Of a failure: a word such as `assertion`. */
  readonly type?: string;
  /** Of a failure: what is wrong. */
  readonly text?: string;
}

/** One suite of a JUnit report. */
export interface JunitSuite {
  readonly name: string;
  readonly cases: readonly JunitCase[];
}

/** A JUnit report as CI systems read it; without times, so that the same result gives the same bytes. */
export function junitXml(suites: readonly JunitSuite[]): string {
  const body = suites.map(({ name, cases }) => {
    const count = (status: JunitCase['status']) => cases.filter((one) => one.status === status).length;
    const counts = `tests="${cases.length}" failures="${count('failed')}" errors="${count('error')}" skipped="${count('skipped')}"`;
    return `  <testsuite name="${escapeAttribute(name)}" ${counts}>\n${cases.map(caseXml).join('')}  </testsuite>\n`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${body.join('')}</testsuites>\n`;
}

function caseXml({ name, group, status, type = '', text = '' }: JunitCase): string {
  const open = `    <testcase name="${escapeAttribute(name)}" classname="${escapeAttribute(group)}"`;
  if (status === 'passed') return `${open}/>\n`;
  if (status === 'skipped') return `${open}>\n      <skipped/>\n    </testcase>\n`;
  const tag = status === 'failed' ? 'failure' : 'error';
  const [first = ''] = text.split('\n');
  return `${open}>\n      <${tag} type="${escapeAttribute(type)}" message="${escapeAttribute(first)}">${escapeText(text)}</${tag}>\n    </testcase>\n`;
}

// XML 1.0, "Characters": nothing else can be written, not even escaped.
const NOT_XML = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

function escapeText(text: string): string {
  return text
    .replace(NOT_XML, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}

function escapeAttribute(text: string): string {
  return escapeText(text)
    .replaceAll('"', '&quot;')
    .replaceAll('\r', '&#13;')
    .replaceAll('\n', '&#10;')
    .replaceAll('\t', '&#9;');
}
