import { withoutCarriageReturns } from './mapped-text.ts';
import type { ScriptsInFile } from './script.ts';
import { startInOtherLanguage } from './unread-language.ts';

/** A shell file is one script. One that names another program in its first line is none. */
export function shellScripts(content: string): ScriptsInFile {
  // The port has removed it; a file that is given directly may still have it.
  const start = content.startsWith('\uFEFF') ? 1 : 0;
  const { name, options } = interpreterOf(firstLine(content.slice(start, start + 200)));
  if (!/^(?:ba|da|a|k|mk|z|pdk|ya)?sh$|^busybox$|^rbash$/.test(name)) {
    const found = startInOtherLanguage(content);
    const because = `A script in ${name} seems to start a container.`;
    return { scripts: [], problems: found === undefined ? [] : [{ at: found, because }] };
  }
  const text = withoutCarriageReturns({ text: content.slice(start), pieces: [{ text: 0, file: start }] });
  return {
    scripts: [
      {
        ...text,
        scope: 'script',
        phase: 'main',
        machine: 'kept',
        exitsOnError: options.some((option) => /^-[a-z]*e/.test(option)),
        variables: new Map(),
      },
    ],
    problems: [],
  };
}

function firstLine(text: string): string {
  const end = text.indexOf('\n');
  return end < 0 ? text : text.slice(0, end).replace(/\r$/, '');
}

/** Of `#!/usr/bin/env -S bash -eu`. Without such a line, the shell that calls it reads it. */
function interpreterOf(line: string): { readonly name: string; readonly options: readonly string[] } {
  const words = /^#!\s*(.*)$/.exec(line)?.[1]?.trim().split(/\s+/) ?? ['sh'];
  const [first = 'sh', ...rest] = words;
  const isEnv = /(?:^|\/)env$/.test(first);
  const program = isEnv ? (rest.find((word) => !word.startsWith('-') && !word.includes('=')) ?? 'sh') : first;
  const options = isEnv ? rest.slice(rest.indexOf(program) + 1) : rest;
  return { name: program.replace(/^.*\//, '').slice(0, 40), options };
}
