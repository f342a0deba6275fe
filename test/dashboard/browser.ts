import { existsSync } from 'node:fs'
import axe from 'axe-core'
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core'

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** A Chromium of this machine; undefined: there is none. */
export const chromiumPath = process.env.CHROMIUM_BIN ?? places.find((path) => existsSync(path))

/** For the title of tests that are skipped. */
export const withoutChromium =
  chromiumPath === undefined ? ' (skipped: install chromium, or name one in CHROMIUM_BIN)' : ''

export async function startBrowser(): Promise<Browser> {
  if (chromiumPath === undefined) throw new Error('there is no Chromium here: skip the test')
  // Root has no sandbox in a container, and a container has little shared memory. Only pages of this machine are opened.
  return await chromium.launch({
    executablePath: chromiumPath,
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  })
}

export interface WatchedPage {
  readonly page: Page
  readonly context: BrowserContext
  /** What the page said on its console as an error, and what nobody caught. */
  readonly faults: string[]
}

/** A page that keeps count of its errors. Waits of the page end after half a minute. */
export async function openPage(
  browser: Browser,
  address: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({ reducedMotion: 'reduce', baseURL: address, ...options })
  const page = await context.newPage()
  page.setDefaultTimeout(30_000)
  const faults: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(`${page.url()}: ${message.text()}`)
  })
  page.on('pageerror', (error) => faults.push(`${page.url()}: ${error.message}`))
  return { page, context, faults }
}

/**
 * What axe finds against WCAG 2.2 AA and the good practices, a line each. The context must be one with `bypassCSP`.
 * @param rules only these rules; left out: all
 */
export async function findViolations(page: Page, rules?: readonly string[]): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe.source)
  const found = await page.evaluate(
    async (only) => {
      const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run(document, {
        runOnly: only ?? ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
      })
      return violations.flatMap(({ id, help, nodes }) =>
        nodes.map(({ target, failureSummary }) => `${id}: ${help} at ${target.join(' ')}: ${failureSummary}`),
      )
    },
    rules && [...rules],
  )
  return found.map((line) => `${new URL(page.url()).pathname}: ${line.replaceAll(/\s+/g, ' ')}`)
}
