import { describe, expect, test } from 'vitest';
import { GOLDEN_FILES, isHostile, readGolden } from './read-golden.ts';
import { findRepetitions, readMessage } from './repeated-sentences.ts';

/** One fix in each of its states, which no report has. */
const OFFERS = 'remediations/offers.slack.json';
const files = GOLDEN_FILES.filter((file) => !isHostile(file) && !file.startsWith('digests/') && file !== OFFERS);

describe('no sentence is in a thread twice', () => {
  test.each(files)('%s', (file) => {
    const repeated = readGolden(file).flatMap((messages) =>
      findRepetitions(messages.map((message, at) => readMessage(at === 0 ? 'root' : `reply ${at}`, message))),
    );

    expect(repeated).toEqual([]);
  });

  // The message with the outcome repeats the card, because an edit of the card notifies no one.
  test.each(['fixed', 'mitigated', 'unverified', 'failed', 'interrupted'])('%s: the root and the card after a fix', (state) => {
    const [root, card] = [`fixes/${state}.slack.json`, `remediations/${state}.slack.json`].map((file) => readGolden(file)[0]![0]!);

    expect(findRepetitions([readMessage('root', root!), readMessage('card', card!)])).toEqual([]);
  });
});
