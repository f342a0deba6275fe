import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { buildDashboard } from '../../dashboard/build.ts'
import { volumeYAML } from '../helpers/declarations-yaml.ts'
import { runMooring } from '../helpers/run-mooring.ts'
import { startUp } from '../helpers/start-up.ts'
import { suiteDirectory } from '../helpers/temporary-directory.ts'
import { chromiumPath, openPage, startBrowser, type WatchedPage, withoutChromium } from './browser.ts'

/** A bound for a hang. */
const patience = { timeout: 20_000 }
const token = 'operator-token-0123456789'

const schedule = `apiVersion: mooring.dev/v1alpha1
kind: SnapshotSchedule
metadata: {name: nightly}
spec:
  schedule: '0 3 * * *'
  timeZone: Europe/Berlin
  volumes: {names: [database]}
  retention: {keepLast: 2, keepDaily: 7}
`

const snapshotOfKept = `apiVersion: mooring.dev/v1alpha1
kind: Snapshot
metadata: {name: before}
spec: {volume: kept}
`

// One operator, one browser and one page for all: each task begins where the one before ended, as a person's day does.
describe.skipIf(chromiumPath === undefined)(
  `a person at the dashboard of a real operator${withoutChromium}`,
  () => {
    const root = suiteDirectory()
    const folder = join(root, 'declarations')
    const dataDirectory = join(root, 'data')
    const kills: (() => void)[] = []
    let port: number
    let operator: Awaited<ReturnType<typeof startUp>>
    let browser: Browser
    let watched: WatchedPage

    const pathOf = (externalID: string) => join(dataDirectory, 'pool', 'volumes', externalID)
    const start = () =>
      startUp(
        folder,
        dataDirectory,
        ['--http-ui', `127.0.0.1:${port}`, '--ui-token-file', join(root, 'tokens'), '--rescan', '500ms'],
        {},
        (kill) => kills.push(kill),
      )

    beforeAll(async () => {
      mkdirSync(folder)
      writeFileSync(join(root, 'tokens'), `operator mara ${token}\n`, { mode: 0o600 })
      writeFileSync(join(folder, 'database.yaml'), volumeYAML('database'))
      writeFileSync(join(folder, 'lost.yaml'), volumeYAML('lost'))
      writeFileSync(join(folder, 'old.yaml'), volumeYAML('old', { deletionPolicy: 'Delete' }))
      writeFileSync(join(folder, 'nightly.yaml'), schedule)
      await buildDashboard('dashboard/dist')
      port = await freePort()
      operator = await start()
      for (const name of ['database', 'lost', 'old']) await operator.status(`Volume/default/${name}`, 'ready')
      browser = await startBrowser()
      watched = await openPage(browser, `http://127.0.0.1:${port}`)
    })
    afterAll(async () => {
      await browser.close()
      for (const kill of kills) kill()
    })

    it('may read at once, is told of a wrong token, and logs in with the right one', async () => {
      const { page, faults } = watched
      await page.goto('/')
      await page.getByRole('heading', { level: 1, name: 'nothing needs you' }).waitFor()
      await page.getByRole('button', { name: 'Log in' }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByLabel('Token').fill('a-guess-that-is-long-enough')
      await dialog.getByRole('button', { name: 'Log in' }).click()
      await dialog.getByRole('alert').waitFor()
      // The browser itself writes the 401 to its console.
      expect(faults.splice(0)).toEqual([expect.stringContaining('401')])
      await dialog.getByLabel('Token').fill(token)
      await dialog.getByRole('button', { name: 'Log in' }).click()
      await page.getByRole('button', { name: 'Log out' }).waitFor()
      const [cookie] = await watched.context.cookies()
      expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict' })
    })

    it('shows nothing to somebody from elsewhere until they log in', async () => {
      // What a proxy passes on is not from this machine.
      const extraHTTPHeaders = { 'x-forwarded-for': '192.0.2.7' }
      const { page, context } = await openPage(browser, `http://127.0.0.1:${port}`, { extraHTTPHeaders })
      await page.goto('/declarations')
      const dialog = page.getByRole('dialog')
      await dialog.getByLabel('Token').waitFor()
      await page.keyboard.press('Escape')
      await dialog.waitFor()
      expect(await page.content()).not.toContain('database')
      expect(await page.getByText('The operator does not answer').count()).toBe(0)
      await dialog.getByLabel('Token').fill(token)
      await page.keyboard.press('Enter')
      await page.getByRole('link', { name: 'database', exact: true }).waitFor()
      await page.getByText('Live', { exact: true }).waitFor()
      await context.close()
    })

    it('finds the volume that is lost and gives it up for a new one, without a reload', async () => {
      const { page } = watched
      await fetch(`${operator.url}/v1/volume/csi/lost/delete`, { method: 'DELETE' })
      await page.getByRole('heading', { level: 1, name: /1 needs you/ }).waitFor()
      await page
        .getByRole('listitem')
        .filter({ hasText: 'Vanished' })
        .getByRole('link', { name: 'lost' })
        .click()
      await page.getByText('Vanished').first().waitFor()
      await page.getByRole('button', { name: /^Give up the lost volume/ }).click()
      const dialog = page.getByRole('dialog')
      const confirm = dialog.getByRole('button', { name: 'Give up the lost volume' })
      expect(await confirm.isDisabled()).toBe(true)
      await dialog.getByRole('textbox').fill('lost')
      await confirm.click()
      await page.getByText('the volume is as declared').first().waitFor()
      await page.getByRole('link', { name: /^Overview/ }).click()
      await page.getByRole('heading', { level: 1, name: 'nothing needs you' }).waitFor()
    })

    it('takes a snapshot, and sees it appear without a reload', async () => {
      const { page } = watched
      const { ExternalID = '' } = (await operator.read('database')) ?? {}
      writeFileSync(join(pathOf(ExternalID), 'ledger'), 'as it was')
      await page.goto('/objects/Volume/default/database')
      await page.getByRole('button', { name: /^Take a snapshot now/ }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Take a snapshot now' }).click()
      const row = page.getByRole('row').filter({ hasText: 'nightly' })
      await row.getByText('Ready', { exact: true }).waitFor()
      await row.getByText('daily', { exact: true }).waitFor()
      await page.getByRole('figure', { name: 'Time line of 1 snapshots' }).waitFor()
    })

    it('goes back to that snapshot, and the volume has its data', async () => {
      const { page } = watched
      const { ExternalID = '' } = (await operator.read('database')) ?? {}
      writeFileSync(join(pathOf(ExternalID), 'ledger'), 'spoilt')
      await page.getByRole('button', { name: /^Restore/ }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByRole('textbox').fill('database')
      await dialog.getByRole('button', { name: /^Restore/ }).click()
      await page.getByText('Last restore').waitFor()
      await page.getByText('Replaced, still there').waitFor()
      const restored = await vi.waitFor(async () => {
        const now = (await operator.read('database'))?.ExternalID ?? ExternalID
        expect(now).not.toBe(ExternalID)
        return now
      }, patience)
      expect(readFileSync(join(pathOf(restored), 'ledger'), 'utf8')).toBe('as it was')
    })

    it('confirms the end of a declaration that is in doubt', async () => {
      const { page } = watched
      writeFileSync(join(folder, 'old.yaml'), '')
      await page.getByRole('link', { name: /^Sources/ }).click()
      const doubt = page.getByRole('listitem').filter({ hasText: 'SourceUnclear' })
      await doubt.getByRole('button', { name: /^It was removed on purpose/ }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByRole('textbox').fill('old')
      await dialog.getByRole('button', { name: 'It was removed on purpose' }).click()
      await page.getByText('Nothing is missing.').waitFor()
      const left = () => operator.directories().filter((name) => name.startsWith('old-'))
      await vi.waitFor(() => expect(left()).toEqual([]), patience)
      expect(await operator.read('old')).toBeUndefined()
    })

    it('cancels an end that waits, and the volume stays with the plugin and in Nomad', async () => {
      const { page, faults } = watched
      writeFileSync(join(folder, 'kept.yaml'), volumeYAML('kept', { deletionPolicy: 'Delete' }))
      writeFileSync(join(folder, 'before.yaml'), snapshotOfKept)
      await operator.status('Snapshot/default/before', 'ready')
      const before = operator.directories()
      // The snapshot still needs it.
      rmSync(join(folder, 'kept.yaml'))
      await operator.status('Volume/default/kept', 'waiting', 'HasDependents')
      await page.goto('/objects/Volume/default/kept')
      await page.getByRole('button', { name: /^Cancel the end/ }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Cancel the end' }).click()
      await page.getByRole('heading', { level: 1, name: /kept is not here/ }).waitFor()
      rmSync(join(folder, 'before.yaml'))
      await page.goto('/orphans')
      await page.getByText('Nomad has this volume, and nothing declares it.').first().waitFor()
      expect(operator.directories()).toEqual(before)
      expect(await operator.read('kept')).toBeDefined()
      // The page of what is no longer managed asks for it, and the browser notes the answer.
      expect(faults.splice(0).filter((each) => !each.includes('status of 404'))).toEqual([])
    })

    it('keeps what it shows while the operator is away, and goes on by itself when it is back', async () => {
      const { page, faults } = watched
      await page.goto('/declarations')
      await page.getByRole('link', { name: 'database', exact: true }).waitFor()
      expect(faults.splice(0)).toEqual([])
      operator.signal('SIGKILL')
      await page.getByText('The operator does not answer').waitFor()
      expect(await page.getByRole('link', { name: 'database', exact: true }).isVisible()).toBe(true)
      writeFileSync(join(folder, 'new.yaml'), volumeYAML('new'))
      operator = await start()
      await page.getByText('Live', { exact: true }).waitFor()
      await page.getByRole('link', { name: 'new', exact: true }).waitFor()
      expect(await page.getByText('The operator does not answer').count()).toBe(0)
      // The sessions of the process before are gone with it: whoever orders logs in again, now by a command's link.
      await page.getByRole('button', { name: 'Log in' }).waitFor()
      const { stdout } = await runMooring(['dashboard', '--data-dir', dataDirectory])
      const [link = ''] = /http:\S+/.exec(stdout) ?? []
      await page.goto(link)
      await page.getByRole('button', { name: 'Log out' }).waitFor()
      expect(page.url()).not.toContain('login')
    })
  },
)

function freePort(): Promise<number> {
  const probe = createServer()
  return new Promise((resolve) => {
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo // Of a socket that listens on a port.
      probe.close(() => resolve(port))
    })
  })
}
