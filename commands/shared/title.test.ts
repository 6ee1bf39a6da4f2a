import { expect, test } from 'vitest';
import { fitTitle, fitTitleFromEnd } from './title.ts';

test('a title that fits is taken as it is', () => {
  expect(fitTitle('Restart doppler_z2/0')).toBe('Restart doppler_z2/0');
  expect(fitTitle('x'.repeat(75))).toBe('x'.repeat(75));
});

test('the first of several titles that fits is taken', () => {
  expect(fitTitle(`Restart ${'x'.repeat(75)}`, 'Restart doppler_z2/2b64')).toBe('Restart doppler_z2/2b64');
});

test('if none fits, the last one is cut to the 75 characters of a button', () => {
  const title = fitTitle('a'.repeat(80), 'b'.repeat(76));
  expect(title).toBe(`${'b'.repeat(74)}…`);
  expect(title).toHaveLength(75);
});

test('a name that is known by its end loses its beginning', () => {
  expect(fitTitleFromEnd('Renew', 'bbs/locket/tls')).toBe('Renew bbs/locket/tls');
  const title = fitTitleFromEnd('Renew', `${'a'.repeat(80)}/tls`);
  expect(title).toHaveLength(75);
  expect(title).toMatch(/^Renew …a+\/tls$/);
});
