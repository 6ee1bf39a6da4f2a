/**
 * Words that read like a translation, or that only the authors understand, with what to write instead: see "Write plain English" in
 * CONTRIBUTING.md. Names are split into their words, so `lastDeed` counts too.
 */
const BANNED = ['deeds?', 'anew', '(?:gives?|gave|given|giving) leave', 'mischief', 'havoc'];

const PATTERN = new RegExp(String.raw`(?<![a-z])(?:${BANNED.join('|')})(?![a-z])`, 'gi');

/** `deeds` is a field of stored records and of hashed audit entries, which older and newer versions read: it keeps its name. */
const STORED_NAME = /^(src\/store\/|test\/chaos\/|test\/contract\/)/;

/** The words to avoid, which the guide has to list. */
const GUIDE = /^## Write plain English\n[\s\S]*?(?=^## )/m;

/** The banned words in the text of a file, in their spelling there. */
export function bannedWordsIn(path: string, text: string): readonly string[] {
  const words = (path === 'CONTRIBUTING.md' ? text.replace(GUIDE, '') : text).replaceAll(
    /(?<=[a-z\d])(?=[A-Z])/g,
    ' ',
  );
  return [...words.matchAll(PATTERN)]
    .map(([word]) => word)
    .filter((word) => word !== 'deeds' || !STORED_NAME.test(path));
}
