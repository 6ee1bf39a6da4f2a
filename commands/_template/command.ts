import { defineCommand } from '../kit.ts';

export const command = defineCommand({
  title: 'What this area is about, in a few words',
});
