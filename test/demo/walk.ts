import type { Locator, Page } from 'playwright-core';

/**
 * What people do on the workspace's page, by the names that they read. Tests and screenshots take the same
 * steps.
 */

/** Types a command in the open channel. */
export async function typeCommand(page: Page, command: string): Promise<void> {
  const message = page.getByRole('textbox', { name: 'Message' });
  await message.fill(command);
  await message.press('Enter');
}

/** Opens a channel; on a phone through the menu. */
export async function openChannel(page: Page, name: string): Promise<void> {
  const menu = page.getByRole('button', { name: /^Channels/ });
  if (await menu.isVisible()) {
    await closeThread(page);
    await menu.click();
  }
  await page.locator('#channels').getByRole('button', { name }).click();
  await page.getByRole('heading', { name: `# ${name}` }).waitFor();
}

export async function closeThread(page: Page): Promise<void> {
  const close = page.getByRole('button', { name: 'Close thread' });
  if (await close.isVisible()) await close.click();
}

/** The messages in the open channel that say this. */
export function channelMessages(page: Page, says: string | RegExp): Locator {
  return page.getByRole('log', { name: 'Messages' }).getByRole('article').filter({ hasText: says });
}

/** Opens the thread of a message in the channel. Returns the pane of the thread. */
export async function openThread(page: Page, message: Locator): Promise<Locator> {
  // A reply that arrives meanwhile replaces the button, and moves the message away from the pointer.
  for (let attempt = 1; ; attempt += 1) {
    try {
      await pressThread(message);
      break;
    } catch (error) {
      if (attempt === PRESSES) throw error;
    }
  }
  const thread = page.getByRole('complementary', { name: 'Thread' });
  await thread.getByRole('article').first().waitFor();
  return thread;
}

const PRESSES = 10;
const PRESS_WITHIN_MS = 5_000;

async function pressThread(message: Locator): Promise<void> {
  const within = { timeout: PRESS_WITHIN_MS };
  const replies = message.getByRole('button', { name: /\d+ repl(y|ies)/ });
  if ((await replies.count()) > 0) return replies.click(within);
  await message.hover(within);
  return message.getByRole('button', { name: 'Reply in thread' }).click(within);
}

/** Injects a fault, and waits until its result is shown. */
export async function injectFault(page: Page, label: string | RegExp): Promise<void> {
  await page.getByRole('button', { name: 'Break something' }).click();
  const dialog = page.getByRole('dialog', { name: 'Break something' });
  const row = dialog.getByRole('listitem').filter({ hasText: label });
  await row.getByRole('button').click();
  await row.locator('output.is-done').waitFor();
  await dialog.getByRole('button', { name: 'Close' }).click();
}

/** From now on, clicks and messages are from this person. */
export async function actAs(page: Page, name: string): Promise<void> {
  const label = new RegExp(`^Act as @${name}`);
  // With an open thread, its strip replaces that of the channel; on a phone, it covers it.
  await page.getByRole('button', { name: label }).last().click();
  await page.getByRole('button', { name: label, pressed: true }).last().waitFor();
}

/** Waits until everything that fades or moves has stopped, except for what never does. */
export async function waitForAnimations(page: Page): Promise<void> {
  await page.evaluate(`Promise.allSettled(
    document.getAnimations()
      .filter(({ effect }) => effect.getComputedTiming().iterations !== Infinity)
      .map(({ finished }) => finished),
  ).then(() => true)`);
}
