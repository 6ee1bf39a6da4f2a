import { startMakeExpansion } from './make/expand-make.ts';
import { type Makefile, readMakefile, type RecipeLine } from './make/read-makefile.ts';
import { joinLines, type MappedText, startText } from './mapped-text.ts';
import { offsetInFile, type Script, type ScriptsInFile, type Variable } from './script.ts';
import { startInOtherLanguage } from './unread-language.ts';

/** Larger Makefiles are not read. */
const LONGEST_MAKEFILE = 5_000_000;

/** The scripts of a Makefile: each line of a recipe is a shell of its own, unless `.ONESHELL` joins them. */
export function makeScripts(content: string): ScriptsInFile {
  if (content.length > LONGEST_MAKEFILE)
    return {
      scripts: [],
      problems: [
        { at: 0, because: `The file has more than ${LONGEST_MAKEFILE / 1_000_000} million characters.` },
      ],
    };
  const makefile = readMakefile(content);
  const expansion = startMakeExpansion(makefile.variables);
  const problems: { readonly at: number; readonly because: string }[] = [];
  const { isRead, name, exitsOnError } = shellOf(makefile);
  const found: Omit<Script, 'variables'>[] = [];
  const of = { phase: 'main', machine: 'kept', exitsOnError } as const;
  for (const { targets, recipe } of makefile.rules) {
    const lines = recipe.flatMap((line) => shellLines(line, expansion.expand, makefile));
    for (const line of makefile.isOneShell ? oneShell(lines) : lines) {
      if (line.text.text.trim() === '') continue;
      if (isRead) {
        const ignored = line.isFailureIgnored ? { isFailureIgnored: true as const } : {};
        found.push({ ...line.text, ...of, scope: targets, job: targets, ...ignored });
        continue;
      }
      const start = startInOtherLanguage(line.text.text);
      if (start !== undefined)
        problems.push({
          at: offsetInFile(line.text.pieces, start),
          because: `A recipe in ${name} seems to start a container.`,
        });
    }
  }
  for (const text of makefile.commands) expansion.expand(text);
  // Make runs them while it reads the file.
  const shells = expansion.shells.map((text) => ({ ...text, ...of, exitsOnError: false, scope: '$(shell)' }));
  const variables = new Map([...exportedVariables(makefile, expansion.expand), ...expansion.variables]);
  return {
    scripts: [...shells, ...found].map((script) => ({ ...script, variables })),
    problems: [...problems, ...expansion.problems],
  };
}

interface ShellLine {
  readonly text: MappedText;
  readonly isFailureIgnored: boolean;
}

/** A recipe line as the shell gets it. One whose variables have several lines is several. */
function shellLines(
  { text, keeps }: RecipeLine,
  expand: (text: MappedText) => MappedText,
  makefile: Makefile,
): readonly ShellLine[] {
  const expanded = expand(withoutQuietVariable(text, makefile));
  const lines: ShellLine[] = [];
  let from = 0;
  for (let at = expanded.text.indexOf('\n'); at !== -1; at = expanded.text.indexOf('\n', at + 1)) {
    if (expanded.text[at - 1] === '\\') continue;
    lines.push(withoutPrefix(expanded, from, at));
    from = at + 1;
  }
  lines.push(withoutPrefix(expanded, from, expanded.text.length));
  if (keeps) return lines.map((line) => ({ ...line, text: joinLines([keeps, line.text]) }));
  return lines;
}

/** `@` doesn't print the command, `-` ignores its failure, `+` runs it with `make -n` too. */
function withoutPrefix(from: MappedText, start: number, end: number): ShellLine {
  let at = start;
  while (at < end && '@-+ \t'.includes(from.text[at]!)) at++;
  const builder = startText();
  builder.addPart(from, at, end);
  return { text: builder.finish(), isFailureIgnored: from.text.slice(start, at).includes('-') };
}

/** `$(Q)docker run`: a variable that is `@` or empty, or that only the command line sets. */
function withoutQuietVariable(line: MappedText, { variables }: Makefile): MappedText {
  const [whole, name = ''] = /^[@+\s-]*\$[({]([\w.]+)[)}](?=[A-Za-z$@/-])/.exec(line.text) ?? [];
  if (whole === undefined) return line;
  const values = variables.get(name) ?? [undefined];
  if (!values.every((value) => value === undefined || /^[@+\s-]*$/.test(value.text))) return line;
  const builder = startText();
  builder.addPart(line, whole.length);
  return builder.finish();
}

function oneShell(lines: readonly ShellLine[]): readonly ShellLine[] {
  if (lines.length === 0) return [];
  return [{ text: joinLines(lines.map(({ text }) => text)), isFailureIgnored: lines[0]!.isFailureIgnored }];
}

function shellOf({ variables, isPosix }: Makefile): {
  readonly isRead: boolean;
  readonly name: string;
  readonly exitsOnError: boolean;
} {
  const [shell] = variables.get('SHELL') ?? [];
  const words = (shell?.text ?? 'sh').trim().split(/\s+/);
  const program = words.find((word) => !/^(?:\S*\/)?env$|^-|=/.test(word)) ?? 'sh';
  const name = program.replace(/^.*\//, '');
  const flags = [
    ...words.slice(1),
    ...(variables.get('.SHELLFLAGS') ?? []).flatMap((one) => one?.text.split(/\s+/) ?? []),
  ];
  return {
    // A variable is nearly always bash.
    isRead: /^(?:\w*sh|busybox|\$.*)$/.test(name) && !/^(?:fish|t?csh|pwsh)$/.test(name),
    name,
    exitsOnError: isPosix || flags.some((flag) => /^-[a-z]*e/.test(flag)) || flags.includes('errexit'),
  };
}

function exportedVariables(
  { exported, variables }: Makefile,
  expand: (text: MappedText) => MappedText,
): ReadonlyMap<string, Variable> {
  return new Map(
    [...exported].map((name) => [
      name,
      { values: (variables.get(name) ?? [undefined]).map((value) => value && expand(value).text) },
    ]),
  );
}
