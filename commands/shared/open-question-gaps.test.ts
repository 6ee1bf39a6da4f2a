import { expect, test } from 'vitest';
import { SourceError } from '../kit.ts';
import { managedInCredHub } from './builders.ts';
import type { OpenQuestion } from './managed-contents.ts';
import { gapsOf } from './open-question-gaps.ts';

function question(name: string, is: OpenQuestion['is'], authority?: string): OpenQuestion {
  const certificate = { ...managedInCredHub(name, []), store: 'credhub' };
  return { certificate, is, ...(authority !== undefined && { authority }) };
}

function said(...given: Parameters<typeof gapsOf>) {
  return gapsOf(...given).map(({ what, error }) => [what, error.message, error.places]);
}

test('what one authority signed is one gap, in any spelling of its name', () => {
  const leaves = Array.from({ length: 20_000 }, (_, at) =>
    question(`/leaf ${at}`, 'version', at % 2 ? '/ca' : '/CA'),
  );
  expect(said(leaves)).toEqual([
    [
      'credhub:/CA',
      'which of its versions signed /leaf 0, /leaf 1, /leaf 2 and 19997 more is unknown, and one of them ends soon or has ended',
      undefined,
    ],
  ]);
});

test('2,000 authorities are one gap that counts them and has the reason', () => {
  const leaves = Array.from({ length: 18_000 }, (_, at) =>
    question(`/leaf ${at}`, 'version', `/ca ${at % 2_000}`),
  );
  const never = new SourceError('credhub', 'refused', 'the configuration says `contents: never`');
  expect(said(leaves, new Map([['credhub:/leaf 7', never]]))).toEqual([
    [
      'credhub: 2000 authorities',
      'which of the versions of /ca 0, /ca 1, /ca 2 and 1997 more signed 18000 certificates is unknown, and one of each ends soon or has ended: the configuration says `contents: never`',
      2_000,
    ],
  ]);
});

test('a credential that may read no authority is one gap', () => {
  const leaves = Array.from({ length: 500 }, (_, at) => question(`/leaf ${at}`, 'authority', `/ca ${at}`));
  expect(said(leaves)).toEqual([
    [
      'credhub: 500 authorities',
      "/ca 0, /ca 1, /ca 2 and 497 more sign 500 certificates, and are not in the list: they don't exist, or the credential may not read them",
      500,
    ],
  ]);
});

test('certificates without an active version are one gap too, and each question has its own', () => {
  const idle = Array.from({ length: 11 }, (_, at) => question(`/idle ${at}`, 'active'));
  expect(said([...idle, question('/leaf', 'authority', '/ca')])).toEqual([
    [
      'credhub: 11 certificates',
      'none of the versions of /idle 0, /idle 1, /idle 2 and 8 more is active, so what is in use is unknown',
      11,
    ],
    [
      'credhub:/ca',
      "it signs /leaf, and is not in the list: it doesn't exist, or the credential may not read it",
      undefined,
    ],
  ]);
});
