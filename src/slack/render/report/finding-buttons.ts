import type { ActionsBlock } from '@slack/types';
import { button } from '../blocks.ts';
import { askButtons, type NextQuestion } from './next-checks.ts';
import type { KnownStatus } from './tracked.ts';

/** The buttons of a finding: run the next checks, take it, silence it. Undefined if there are none. */
export function findingButtons(
  questions: readonly NextQuestion[],
  known: KnownStatus | undefined,
): ActionsBlock | undefined {
  const elements = [...askButtons(questions), ...(known?.hasButtons ? statusButtons(known) : [])];
  return elements.length > 0 ? { type: 'actions', elements } : undefined;
}

/** Their value is the id of the finding. The finding and the permissions are looked up at the click. */
function statusButtons({ id, tracked: { silence, summary } }: KnownStatus) {
  const about = { describes: summary, value: id };
  return [
    button({ label: "I'm on it", action: 'wrench:take', ...about }),
    silence
      ? button({ label: 'End silence', action: 'wrench:unsilence', ...about })
      : button({ label: 'Silence…', action: 'wrench:silence', ...about }),
  ];
}
