import type { Story } from '../../kit.ts';
import type { Facts } from './collect.ts';

export const datesSwapped: Story<Facts> = {
  title: 'The outage, as people would call it',
  source: 'Where it is described: a link, or enough words to find it',
  now: new Date('2026-01-01T09:00:00Z'),
  facts: {
    certificates: [
      {
        place: 'disk:/etc/ssl/swapped.pem',
        notBefore: new Date('2027-01-01'),
        notAfter: new Date('2026-01-01'),
      },
      {
        place: 'disk:/etc/ssl/healthy.pem',
        notBefore: new Date('2026-01-01'),
        notAfter: new Date('2027-01-01'),
      },
    ],
  },
};
