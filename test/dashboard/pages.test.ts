import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serveBuilt } from '../../dashboard/fixture/serve-built.ts'
import { chromiumPath, findViolations, openPage, startBrowser, withoutChromium } from './browser.ts'
import { buildAside } from './build-dashboard.ts'

/** Few rows of each table: every row is made in the same way, and axe looks at each. */
const pages = [
  ['the overview', '/'],
  ['the declarations', '/declarations?size=12'],
  ['a volume', '/objects/Volume/default/postgres-data'],
  ['a volume with instances', '/objects/Volume/default/kafka-data'],
  ['a volume that needs a person', '/objects/Volume/default/grafana-data'],
  ['a schedule', '/objects/SnapshotSchedule/default/nightly'],
  ['recoverability', '/recoverability?size=6'],
  ['the schedules', '/schedules'],
  ['the sources', '/sources'],
  ['the plan', '/plan'],
  ['the orphans', '/orphans'],
  ['the activity', '/activity?size=12'],
  ['a declaration that is not there', '/objects/Volume/default/nowhere'],
  ['an address that is none', '/nowhere'],
] as const

/** A bound for a hang. */
const patience = { timeout: 20_000 }

const widths = [360, 768, 2560]

/** Where the page is wider than the window. */
async function findWideParts(page: Page): Promise<string[]> {
  const wide: string[] = []
  for (const width of widths) {
    await page.setViewportSize({ width, height: 900 })
    const excess = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    )
    if (excess > 0) wide.push(`${new URL(page.url()).pathname} at ${width} px: ${excess} px too wide`)
  }
  return wide
}

describe.skipIf(chromiumPath === undefined)(`the page in the browser${withoutChromium}`, () => {
  let browser: Browser
  let directory: string
  const closing: (() => Promise<unknown>)[] = []

  beforeAll(async () => {
    const built = await buildAside()
    directory = built.directory
    closing.push(async () => built.remove())
    browser = await startBrowser()
    closing.push(() => browser.close())
  })
  afterAll(async () => {
    for (const close of closing.reverse()) await close()
  })

  async function serve(declarations: number): Promise<string> {
    const { address, close } = await serveBuilt({ directory, declarations, now: Date.now })
    closing.push(close)
    return address
  }

  it('has nothing that axe objects to on any page, in light and dark, and scrolls sideways at no width', async () => {
    const address = await serve(43)
    // The policy of the page would refuse axe itself.
    const { page, context, faults } = await openPage(browser, address, { bypassCSP: true })
    const found: string[] = []
    for (const [, path] of pages) {
      await page.emulateMedia({ colorScheme: 'light' })
      await page.goto(path)
      await page.getByRole('heading', { level: 1 }).waitFor()
      found.push(...(await findViolations(page)))
      await page.emulateMedia({ colorScheme: 'dark' })
      found.push(...(await findViolations(page, ['color-contrast'])))
      found.push(...(await findWideParts(page)))
      await page.setViewportSize({ width: 360, height: 800 })
      found.push(...(await findViolations(page, ['scrollable-region-focusable', 'target-size'])))
      await page.setViewportSize({ width: 1280, height: 800 })
    }
    await page.goto('/objects/Volume/default/grafana-data')
    await page.getByRole('button', { name: 'Recreate empty' }).click()
    await page.getByRole('dialog').waitFor()
    found.push(...(await findViolations(page)))
    await context.close()
    expect(found).toEqual([])
    expect(faults.filter((fault) => !fault.includes('404'))).toEqual([])
  }, 180_000)

  it('opens each page of the menu under a strict policy, without an error', async () => {
    const address = await serve(43)
    const answer = await fetch(address)
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")
    const { page, context, faults } = await openPage(browser, address)
    await page.goto('/')
    const links = await page.getByRole('navigation', { name: 'Pages' }).getByRole('link').all()
    expect(links).toHaveLength(8)
    for (const link of links) {
      await link.click()
      await page.getByRole('heading', { level: 1 }).waitFor()
      await expect.poll(() => link.getAttribute('aria-current'), patience).toBe('page')
    }
    await page.goto('/objects/Volume/default/postgres-data')
    await page.getByText('Declared and actual').waitFor()
    await context.close()
    expect(faults).toEqual([])
  })

  it('finds, filters, sorts and pages among 10,000 declarations, and keeps it all in the address', async () => {
    const { page, context, faults } = await openPage(browser, await serve(10_000))
    await page.goto('/')
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('app=kafka')
    await page.keyboard.press('Enter')
    await page.getByText(/of 10,000 match/).waitFor()
    await page.getByLabel('Plugin').selectOption('ebs0')
    await page.getByRole('button', { name: 'Size' }).click()
    await page.getByRole('button', { name: 'Size' }).click()
    await page.getByRole('link', { name: 'Next page' }).click()
    await expect.poll(() => page.url(), patience).toContain('page=2')
    const query = new URL(page.url()).searchParams
    expect(Object.fromEntries(query)).toEqual({
      ...{ text: 'app=kafka', plugin: 'ebs0', sort: 'size', descending: 'true', page: '2' },
    })
    const names = () => page.locator('tbody th a').allTextContents()
    await page.getByText(/^51–/).waitFor()
    const before = await names()
    expect(before.length).toBeGreaterThan(5)

    // A colleague opens the same address.
    const other = await context.newPage()
    await other.goto(page.url())
    await other.getByText(/^51–/).waitFor()
    expect(await other.locator('tbody th a').allTextContents()).toEqual(before)
    await page
      .getByRole('link', { name: before[0] ?? '' })
      .first()
      .click()
    await page.getByRole('heading', { level: 1, name: before[0] ?? '' }).waitFor()
    await page.goBack()
    await expect.poll(names, patience).toEqual(before)
    await context.close()
    expect(faults).toEqual([])
  })

  it('is used by the keyboard alone, from the menu to an order', async () => {
    const { page, context, faults } = await openPage(browser, await serve(43))
    await page.goto('/')
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.keyboard.press('Tab')
    await expect
      .poll(() => page.evaluate(() => document.activeElement?.textContent), patience)
      .toBe('Skip to the page')
    await page.getByRole('link', { name: /^Declarations/ }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('link', { name: 'postgres-data' }).focus()
    await page.keyboard.press('Enter')
    const suspend = page.getByRole('button', { name: /^Suspend/ })
    await suspend.focus()
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').getByText('Nothing is undone.').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await expect
      .poll(() => suspend.evaluate((element) => element === document.activeElement), patience)
      .toBe(true)
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').getByRole('button', { name: 'Suspend' }).focus()
    await page.keyboard.press('Enter')
    await page.getByText('The order suspend for postgres-data was taken.').waitFor()
    await page.getByText('a person suspended it').first().waitFor()
    await context.close()
    expect(faults).toEqual([])
  })

  it('shows an action that is not possible with the reason, and does not take it', async () => {
    const { page, context } = await openPage(browser, await serve(43))
    await page.goto('/objects/Volume/default/postgres-data')
    await page.getByRole('button', { name: /^Recreate empty/ }).press('Enter')
    const dialog = page.getByRole('dialog')
    await dialog.getByText('The volume is not lost.').waitFor()
    expect(await dialog.getByRole('button', { name: 'Recreate empty' }).count()).toBe(0)
    await context.close()
  })

  it('is at most 80 kB compressed at the first load, and asks for no data: address', () => {
    const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    )
    const bytes = files.map(({ parentPath, name }) => readFileSync(join(parentPath, name)))
    expect(bytes.reduce((sum, each) => sum + gzipSync(each).length, 0)).toBeLessThan(80_000)
    for (const each of bytes) expect(each.includes('url(data:')).toBe(false)
  })
})
