/** The questions that can be asked as root, with `sudo -n`. All others are asked as the user of the connection. */
export const ROOT_QUESTIONS = [
  'checksum-rules',
  'file-sizes',
  'kernel-log',
  'neighbors',
  'network-settings',
] as const;

export type RootQuestion = (typeof ROOT_QUESTIONS)[number];
