import { describe, expect, test } from 'vitest';
import { type Build, compareBuilds, compareWithExpected, groupBuilds } from './build.ts';

const at = (time: string) => new Date(time);

describe('two builds', () => {
  test.each<[Build, Build, string]>([
    [{ number: '77' }, { number: '77' }, 'same'],
    [{ number: '77' }, { number: '78' }, 'different'],
    [{ version: '1.0.3', commit: '4c1be90' }, { version: '1.0.3', commit: '77aa31d' }, 'different'],
    [{ commit: '4c1be90' }, { commit: '4c1be90aa31d4c1be90aa31d4c1be90aa31d4c1b' }, 'same'],
    [{ commit: '4c1be90-dirty' }, { commit: '4c1be90' }, 'different'],
    [{ version: '1.0.3' }, { version: '1.0.3', commit: '77aa31d' }, 'same'],
    [{ commit: '8f1c0' }, { commit: '8f1c0de12345' }, 'same'],
    [{ number: '209' }, { number: '209-dirty' }, 'different'],
    [{ number: '209' }, { version: '209-modified' }, 'different'],
    [{ number: '209' }, { number: '209-8f1c0de' }, 'unknown'],
    [{ number: '209', commit: '8f1c0de' }, { number: '209-8f1c0de', commit: '8f1c0de' }, 'same'],
    [{ number: '209-0a77b2c' }, { number: '209-8f1c0de' }, 'different'],
    [{ version: '1.0.3+8f1c0de' }, { version: '1.0.3+0a77b2c' }, 'different'],
    // The images of one commit are built one after the other, too.
    [
      { commit: '4c1be90', builtAt: at('2026-11-25T10:00:00Z') },
      { commit: '4c1be90', builtAt: at('2026-11-25T10:04:00Z') },
      'same',
    ],
    // A number that the other calls its version.
    [{ number: '77' }, { version: '77' }, 'same'],
    [{ number: '77' }, { version: '78' }, 'different'],
    [{ number: '77' }, { version: '1.0.3' }, 'unknown'],
    [{ commit: '77aa31d' }, { version: '1.0.3' }, 'unknown'],
    [
      { version: '1.0.3', builtAt: at('2026-11-25T10:00:00Z') },
      { version: '1.0.3', builtAt: at('2026-11-26T10:00:00Z') },
      'different',
    ],
    // The images of one CI build for two architectures are built one after the other.
    [
      { number: '77', builtAt: at('2026-11-25T10:00:00Z') },
      { number: '77', builtAt: at('2026-11-25T10:04:00Z') },
      'same',
    ],
    [{ builtAt: at('2026-11-25T10:00:00Z') }, { builtAt: at('2026-11-25T10:00:00.412Z') }, 'same'],
  ])('%j and %j are %s', (a, b, likeness) => {
    expect(compareBuilds(a, b)).toBe(likeness);
    expect(compareBuilds(b, a)).toBe(likeness);
  });
});

describe('a build and what is expected', () => {
  test.each<[Build, string, string]>([
    [{ number: '209' }, '209', 'same'],
    [{ number: '209' }, '0209', 'same'],
    [{ number: '210' }, '209', 'different'],
    [{ number: '2090' }, '209', 'different'],
    [{ version: '1.0.3' }, 'v1.0.3', 'same'],
    [{ version: '1.0.30' }, '1.0.3', 'different'],
    [{ commit: '8f1c0de12345' }, '8f1c0de', 'same'],
    [{ commit: '8f1c0de' }, '8f1c0de1234567890', 'same'],
    [{ commit: '0a77b2c' }, '8f1c0de', 'different'],
    [{ version: '77' }, '77', 'same'],
    [{ version: '1.4.0' }, '209', 'unknown'],
    [{ commit: '8f1c0de' }, '209', 'unknown'],
    [{ number: '209' }, '1.0.3', 'unknown'],
    [{ number: '209' }, '8f1c0de', 'unknown'],
    // One of 30 abbreviated commits has no letter.
    [{ number: '1234567' }, '1234567', 'same'],
    [{ number: '99', commit: '1234567abc' }, '1234567', 'same'],
    [{ number: '99', commit: '7654321abc' }, '1234567', 'different'],
    [{ number: '1234567' }, '1234567abc1234567abc1234567abc1234567abc1', 'same'],
    [{ number: '209' }, 'v209', 'same'],
    [{ version: '209' }, 'v209', 'same'],
    [{ number: '209-dirty' }, '209', 'different'],
    [{ version: '209-dirty' }, '209', 'different'],
    [{ number: '208-dirty' }, '209', 'different'],
    [{ number: '209' }, '209-dirty', 'different'],
    [{ number: '209-8f1c0de' }, '209', 'unknown'],
    [{ number: '208-8f1c0de' }, '209', 'different'],
    // Labels and tags can't have a plus.
    [{ version: '1.0.3+8f1c0de' }, '1.0.3', 'same'],
    [{ version: '1.0.3+8f1c0de' }, '1.0.3_8f1c0de', 'same'],
    [{ version: '1.0.3+8f1c0de' }, '1.0.3+0a77b2c', 'different'],
    [{ version: '1.0.3' }, '1.0.3+0a77b2c', 'different'],
    [{ version: '1.0.3-rc.1' }, '1.0.3', 'different'],
  ])('%j with %s expected: %s', (build, expected, likeness) => {
    expect(compareWithExpected(build, expected)).toBe(likeness);
  });
});

describe('groups', () => {
  const group = (...builds: readonly Build[]) => {
    const { groups, incomparable } = groupBuilds(builds, (one) => one);
    return { sizes: groups.map(({ members }) => members.length), incomparable };
  };

  test('the largest comes first', () => {
    expect(group({ number: '1' }, { number: '2' }, { number: '2' })).toEqual({
      sizes: [2, 1],
      incomparable: [],
    });
  });

  test('a build that could belong to two groups belongs to none', () => {
    expect(
      group(
        { version: '1.0.3', commit: '4c1be90' },
        { version: '1.0.3', commit: '77aa31d' },
        { version: '1.0.3' },
      ),
    ).toEqual({ sizes: [1, 1], incomparable: [{ version: '1.0.3' }] });
  });

  test('what can not be compared is not the same', () => {
    expect(group({ number: '77' }, { version: '1.0.3' })).toEqual({
      sizes: [1],
      incomparable: [{ version: '1.0.3' }],
    });
  });
});
