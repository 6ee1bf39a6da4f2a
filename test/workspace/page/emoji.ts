import { createElement as h, type ReactNode } from 'react';

/** Drawn here so that a page looks the same without an emoji font. Others fall back to Unicode. */
const circle = (colour: string, edge: string) =>
  h('circle', { cx: 8, cy: 8, r: 6.4, fill: colour, stroke: edge });
const stroke = (d: string, colour: string) =>
  h('path', {
    d,
    fill: 'none',
    stroke: colour,
    strokeWidth: 2,
    strokeLinecap: 'round',
    strokeLinejoin: 'round',
  });
const tile = (colour: string) => h('rect', { x: 1, y: 1, width: 14, height: 14, rx: 3.2, fill: colour });
const glyph = (text: string) =>
  h('text', { x: 8, y: 12, textAnchor: 'middle', fontSize: 11, fontWeight: 800, fill: '#fff' }, text);

const BELL = [
  h('path', { d: 'M3 11.6c1.2-1 1.2-2.4 1.4-4.4a3.6 3.6 0 0 1 7.2 0c.2 2 .2 3.4 1.4 4.4z', fill: '#fdcb58' }),
  h('circle', { cx: 8, cy: 13.2, r: 1.5, fill: '#dfa92f' }),
];

const drawings: Readonly<Record<string, readonly ReactNode[]>> = {
  red_circle: [circle('#dd2e44', '#b81f35')],
  large_yellow_circle: [circle('#fdcb58', '#dfa92f')],
  large_orange_circle: [circle('#f4900c', '#d27a05')],
  large_green_circle: [circle('#2fb67c', '#1f9765')],
  large_blue_circle: [circle('#4a9bef', '#2f80d6')],
  large_purple_circle: [circle('#aa8ed6', '#8d6fc0')],
  white_circle: [circle('#f4f5f6', '#9aa4ab')],
  black_circle: [circle('#31373d', '#16191c')],
  white_check_mark: [tile('#2fb67c'), stroke('M4.4 8.3 7 10.9 11.7 5.6', '#fff')],
  heavy_check_mark: [stroke('M3 8.5 6.6 12 13 4.4', '#2fb67c')],
  x: [stroke('M3.6 3.6 12.4 12.4M12.4 3.6 3.6 12.4', '#dd2e44')],
  warning: [
    h('path', {
      d: 'M8 1.6 15 14a.6.6 0 0 1-.5.9h-13A.6.6 0 0 1 1 14z',
      fill: '#ffcc4d',
      stroke: '#dfa92f',
      strokeLinejoin: 'round',
    }),
    stroke('M8 6v4', '#231f20'),
    h('circle', { cx: 8, cy: 12.6, r: 1.1, fill: '#231f20' }),
  ],
  no_entry: [circle('#dd2e44', '#b81f35'), stroke('M4.6 8h6.8', '#fff')],
  rotating_light: [
    h('path', { d: 'M3.6 12a4.4 4.9 0 0 1 8.8 0z', fill: '#dd2e44' }),
    h('rect', { x: 2, y: 12, width: 12, height: 2.8, rx: 1, fill: '#67757f' }),
    stroke('M8 1.4v2M2.8 3.6l1.3 1.3M13.2 3.6l-1.3 1.3', '#f4900c'),
  ],
  question: [glyph('?')].map((node) => h('g', { className: 'emoji-red' }, node)),
  grey_question: [circle('#9aa4ab', '#7d878e'), glyph('?')],
  information_source: [tile('#4a9bef'), glyph('i')],
  hourglass_flowing_sand: [
    stroke('M3.6 1.8h8.8M3.6 14.2h8.8', '#a0703c'),
    h('path', {
      d: 'M4.6 2.6h6.8c0 3-2 4-2.6 5.4.6 1.4 2.6 2.4 2.6 5.4H4.6c0-3 2-4 2.6-5.4-.6-1.4-2.6-2.4-2.6-5.4z',
      fill: '#bfe3f5',
    }),
    h('path', { d: 'M5.6 13.2c.3-1.6 1.6-2 2.4-3 .8 1 2.1 1.4 2.4 3zM6.2 5h3.6L8 7.4z', fill: '#f4b04c' }),
  ],
  mag: [
    h('circle', { cx: 6.6, cy: 6.6, r: 4.4, fill: '#bfe3f5', stroke: '#67757f', strokeWidth: 1.6 }),
    stroke('m10.2 10.2 4 4', '#67757f'),
  ],
  lock: [
    stroke('M5 7V5.2a3 3 0 0 1 6 0V7', '#9aa4ab'),
    h('rect', { x: 3, y: 7, width: 10, height: 7.4, rx: 1.4, fill: '#f4b04c' }),
  ],
  page_facing_up: [
    h('path', { d: 'M3.4 1.4h6.2l3 3v10.2H3.4z', fill: '#e9eef2', stroke: '#9aa4ab' }),
    stroke('M5.6 7.4h4.8M5.6 10h4.8', '#9aa4ab'),
  ],
  wrench: [
    h('path', {
      d: 'M13.9 4.2 11.6 6.5 9.5 4.4l2.3-2.3a3.9 3.9 0 0 0-5 5L2 11.9A1.5 1.5 0 0 0 4.1 14l4.8-4.8a3.9 3.9 0 0 0 5-5z',
      fill: '#8899a6',
    }),
  ],
  clipboard: [
    h('rect', { x: 2.6, y: 2.4, width: 10.8, height: 12.6, rx: 1.6, fill: '#c1694f' }),
    h('rect', { x: 4.2, y: 4, width: 7.6, height: 9.6, fill: '#f4f5f6' }),
    h('rect', { x: 5.4, y: 1, width: 5.2, height: 3, rx: 1, fill: '#9aa4ab' }),
    stroke('M6 7.2h4M6 10.4h4', '#9aa4ab'),
  ],
  ballot_box_with_check: [tile('#4a9bef'), stroke('M4.4 8.3 7 10.9 11.7 5.6', '#fff')],
  hammer_and_wrench: [
    stroke('m3 13 7.4-7.4', '#c1694f'),
    h('path', { d: 'M8.6 3.2 11.2.8l4 4-2.4 2.6z', fill: '#67757f' }),
    stroke('m13 13.2L6.2 6.4', '#9aa4ab'),
    h('path', { d: 'M2.2 5.4A3 3 0 0 0 6.6 6.6 3 3 0 0 0 5.2 2L4.6 4.6z', fill: '#9aa4ab' }),
  ],
  hourglass: [
    stroke('M3.6 1.8h8.8M3.6 14.2h8.8', '#a0703c'),
    h('path', {
      d: 'M4.6 2.6h6.8c0 3-2 4-2.6 5.4.6 1.4 2.6 2.4 2.6 5.4H4.6c0-3 2-4 2.6-5.4-.6-1.4-2.6-2.4-2.6-5.4z',
      fill: '#bfe3f5',
    }),
    h('path', { d: 'M5 13.2c.4-2.4 1.6-3.4 3-3.4s2.6 1 3 3.4z', fill: '#f4b04c' }),
  ],
  fast_forward: [
    tile('#4a9bef'),
    h('path', { d: 'M3.4 4.4 8 8l-4.6 3.6zM8 4.4 12.6 8 8 11.6z', fill: '#fff' }),
  ],
  raised_hand: [
    stroke('M4.6 9V4.4M7 7.6V2.4M9.4 7.6V2.8M11.8 8.6V4.6', '#fdcb58'),
    h('path', { d: 'M3.6 7.6h9.2v2.6a4.2 4.2 0 0 1-4.2 4.2h-.8a4.2 4.2 0 0 1-4.2-4.2z', fill: '#fdcb58' }),
  ],
  bell: BELL,
  no_bell: [...BELL, stroke('M2.4 2.4l11.2 11.2', '#dd2e44')],
  snowflake: [stroke('M8 1.6v12.8M2.5 4.8l11 6.4M13.5 4.8l-11 6.4', '#6db3e8')],
  sunny: [
    h('circle', { cx: 8, cy: 8, r: 3.4, fill: '#fdcb58' }),
    stroke(
      'M8 1.4v1.4M8 13.2v1.4M1.4 8h1.4M13.2 8h1.4M3.4 3.4l1 1M11.6 11.6l1 1M12.6 3.4l-1 1M4.4 11.6l-1 1',
      '#fdcb58',
    ),
  ],
};

/** `otherwise` returns the emoji as Unicode, or its `:name:`. */
export function drawEmoji(name: string, otherwise: () => string): ReactNode {
  const drawing = drawings[name];
  if (!drawing) return otherwise() || `:${name}:`;
  const label = `:${name}:`;
  return h(
    'svg',
    { className: 'emoji', viewBox: '0 0 16 16', role: 'img', 'aria-label': label },
    h('title', null, label),
    ...drawing,
  );
}
