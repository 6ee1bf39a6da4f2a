import { expect, test } from 'vitest';
import { commandAfterMention, commandInDirectMessage } from './mention-text.ts';

const BOT = 'U0123WRENCH';

test.each([
  ['<@U0123WRENCH> certs expiring', 'certs expiring'],
  ['<@U0123WRENCH|wrench> certs expiring', 'certs expiring'],
  ['<@U0123WRENCH>certs expiring', 'certs expiring'],
  ['<@U0123WRENCH>: certs expiring', 'certs expiring'],
  ['<@U0123WRENCH>, certs expiring', 'certs expiring'],
  ['<@U0123WRENCH> /certs expiring', '/certs expiring'],
  ['<@U0123WRENCH> /wrench certs expiring', 'certs expiring'],
  ['<@U0123WRENCH> wrench', ''],
  ['<@U0123WRENCH> wrenches', 'wrenches'],
  ['<@U0123WRENCH> `certs expiring --within 14d`', 'certs expiring --within 14d'],
  ['<@U0123WRENCH> ```\ncerts expiring\n```', 'certs expiring'],
  ['could you run <@U0123WRENCH> certs expiring', 'certs expiring'],
  ['<@U0123ADA> look: <@U0123WRENCH> certs expiring', 'certs expiring'],
  ['`<@U0123WRENCH> freeze` is how to stop fixes. <@U0123WRENCH> certs expiring', 'certs expiring'],
  ['  <@U0123WRENCH>  ', ''],
  ['<@U0123WRENCH> audit --user <@U0123ADA>', 'audit --user <@U0123ADA>'],
])('the command in %j is %j', (text, command) => {
  expect(commandAfterMention(text, BOT)?.typed).toBe(command);
});

test.each([
  ['no mention', 'certs expiring'],
  ['a mention of someone else', '<@U0123ADA> certs expiring'],
  ['a mention in code', 'type `<@U0123WRENCH> certs expiring`'],
  ['a mention in a block of code', '```\n<@U0123WRENCH> freeze\n```'],
  ['a mention in a block of code that has no end', '```<@U0123WRENCH> freeze'],
  ['a mention in a quoted line', 'Ada wrote:\n&gt; <@U0123WRENCH> freeze\nWhy?'],
  ['a mention in a code block with lines that has no end', '```\n<@U0123WRENCH> freeze\n\n'],
  ['an id that begins like that of the bot', '<@U0123WRENCHX> certs expiring'],
  ['the name of the bot as text', '@wrench certs expiring'],
])('a message with %s is not for the bot', (_, text) => {
  expect(commandAfterMention(text, BOT)).toBeUndefined();
});

test('a long message of backticks and brackets is read in little time', () => {
  for (const text of [
    '`'.repeat(40_000),
    '<@'.repeat(20_000),
    '<@U0123WRENCH|'.repeat(2_800),
    '&gt;\n'.repeat(8_000),
  ])
    expect(commandAfterMention(text, BOT)).toBeUndefined();
});

test.each([
  ['certs expiring', 'certs expiring'],
  ['`certs expiring`', 'certs expiring'],
  ['<@U0123WRENCH> certs expiring', 'certs expiring'],
  ['/certs expiring', '/certs expiring'],
])('the command in the direct message %j is %j', (text, command) => {
  expect(commandInDirectMessage(text, BOT)).toEqual({ typed: command, beginsLine: true });
});

test.each([
  ['<@U0123WRENCH> freeze', true],
  ['  <@U0123WRENCH> freeze', true],
  ['&gt; what now?\n<@U0123WRENCH> freeze', true],
  ["don't <@U0123WRENCH> unfreeze yet", false],
  ['<@U0123ADA> <@U0123WRENCH> freeze', false],
])('whether the command in %j begins its line: %s', (text, beginsLine) => {
  expect(commandAfterMention(text, BOT)?.beginsLine).toBe(beginsLine);
});
