import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

/** No engine builds the image here: what can be said without one. */
describe('the Dockerfile', () => {
  const text = readFileSync('Dockerfile', 'utf8')
  const allowed = readFileSync('.dockerignore', 'utf8').match(/(?<=^!).+$/gm) ?? []
  const copied = [...text.matchAll(/^COPY (?!--from)(?<paths>.+) \S+$/gm)].flatMap(
    ({ groups }) => groups?.paths?.split(' ') ?? [],
  )

  it('copies what is there, and what .dockerignore lets through, and nothing else gets in', () => {
    expect(copied.length).toBeGreaterThan(8)
    for (const path of copied) expect(existsSync(path), path).toBe(true)
    expect([...new Set(copied)].sort()).toEqual([...allowed].sort())
  })

  it('leaves all that is published in the last stage', () => {
    const { files }: { files: string[] } = JSON.parse(readFileSync('package.json', 'utf8'))
    const last = text.slice(text.lastIndexOf('\nFROM '))
    const present = [...last.matchAll(/^COPY (.+)$/gm)].flatMap(([, names = '']) =>
      names.split(' ').slice(0, -1),
    )
    for (const file of files) {
      const folder = file.split('/')[0]
      expect(
        present.map((path) => path.replace(/^\/src\//, '')),
        file,
      ).toContain(folder)
    }
    expect(present).toContain('/src/node_modules')
  })

  it('runs as the user of the chart, by its number, behind an init', () => {
    const [, user] = /^USER (\d+):\d+$/m.exec(text) ?? []
    expect(readFileSync('charts/mooring/values.yaml', 'utf8')).toContain(`runAsUser: ${user}\n`)
    expect(text).toMatch(/^ENTRYPOINT \["\/usr\/bin\/tini", "--", "node", /m)
  })

  it('is of the Node that the package asks for', () => {
    const { engines }: { engines: { node: string } } = JSON.parse(readFileSync('package.json', 'utf8'))
    const [, major] = /^ARG BASE=node:(\d+)-slim$/m.exec(text) ?? []
    expect(`>=${major}`).toBe(engines.node)
    // Each stage is of the base that may be named by its digest.
    expect(text.match(/^FROM .*/gm)).toHaveLength(3)
    expect(text.match(/^FROM \$\{BASE\}(?: |$)/gm)).toHaveLength(3)
  })
})
