import type { Finding, Gap, Location } from '../check/finding.ts';
import { countInWords, SEVERITY_WORDS } from '../check/report-in-words.ts';
import { cleanLine, cleanText } from '../text/clean-text.ts';
import { wrap } from './wrap.ts';

interface LocationOptions {
  readonly columns: number;
  readonly indent: string;
  /** Where a file is, from the folder that the command runs in. Default: its path in its repository. */
  readonly pathOf?: ((location: Location) => string) | undefined;
}

/** Of one finding. */
const MAX_LOCATIONS = 200;

/**
 * The places of a finding as compilers and linters print them, which terminals and editors make clickable: `ci/test.sh:14:3  warning  …`, each with the
 * corrected line below it. The name of a place is never broken.
 */
export function locationLines(
  { locations = [], severity }: Pick<Finding, 'locations' | 'severity'>,
  options: LocationOptions,
): readonly string[] {
  const shown = locations.slice(0, MAX_LOCATIONS);
  const left = locations.length - shown.length;
  return [
    ...shown.flatMap((location) => linesOf(location, SEVERITY_WORDS[severity].toLowerCase(), options)),
    ...(left > 0 ? [`${options.indent}… and ${countInWords(left, 'more place')} (--json has all)`] : []),
  ];
}

/** The same for a place in a file where it is unknown whether something is wrong. */
export function unknownLocationLines({ location }: Gap, options: LocationOptions): readonly string[] {
  return location ? linesOf(location, 'unknown', options) : [];
}

function linesOf(
  location: Location,
  word: string,
  { columns, indent, pathOf = ({ path }) => path }: LocationOptions,
): readonly string[] {
  const { line, column, message, replacement } = location;
  const head = `${indent}${cleanText(pathOf(location))}:${line}:${column}  ${word}`;
  const whole = `${head}  ${cleanText(message)}`;
  const hanging = `${indent}  `;
  const corrected = replacement?.corrected === undefined ? '' : cleanLine(replacement.corrected).trim();
  const elsewhere = replacement && replacement.line !== line ? `line ${replacement.line}: ` : '';
  return [
    ...(whole.length <= columns ? [whole] : [head, ...wrap(message, columns, hanging)]),
    ...(corrected === '' ? [] : [`${hanging}${elsewhere}+ ${corrected}`]),
  ];
}
