import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { volumeYAML } from '../../helpers/declarations-yaml.ts'
import { runMooring } from '../../helpers/run-mooring.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = temporaryDirectory()
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text)
  return folder
}

describe('mooring validate', () => {
  it('accepts the examples', async () => {
    const { status, stdout, stderr } = await runMooring(['validate', 'manifests/examples'])
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
    expect(stderr).toMatch(/^\d+ declarations? (is|are) valid/)
  })

  it('names file, line, column, field and remedy of each mistake, and exits 1', async () => {
    const folder = folderOf({
      'good.yaml': volumeYAML('good'),
      'quantity.yaml': volumeYAML('quantity', { capacity: '{min: 10GiB}' }),
      'spelling.yaml': volumeYAML('spelling', { deletionPolicy: 'Destroy' }),
    })
    const { status, stdout, stderr } = await runMooring(['validate', folder])
    expect(status).toBe(1)
    const lines = stdout.trim().split('\n')
    expect(lines[0]).toMatch(/quantity\.yaml:7:14: spec\.capacity\.min: .*10Gi/)
    expect(lines[1]).toMatch(/spelling\.yaml:7:3: spec\.deletionPolicy: .*Retain/)
    expect(stderr).toMatch(/^2 mistakes; 1 declaration can be used/)
  })

  it('warns of broken files of others, such as templates of Helm, and finds the declarations valid', async () => {
    const template =
      '{{- if .Values.enabled }}\napiVersion: v1\nkind: ConfigMap{{ .Values.kind }}\n{{- end }}\n'
    const folder = folderOf({
      'good.yaml': volumeYAML('good'),
      'chart.yaml': template,
    })
    const { status, stdout, stderr } = await runMooring(['validate', folder])
    expect(stderr).toMatch(/^1 declaration is valid/)
    expect(stdout).toMatch(/chart\.yaml:\d+:\d+: warning: .*Nothing in the file is of Mooring/)
    expect(status).toBe(0)
    for (const ours of ['kind: Volume\nspec: {', '# mooring.dev\na: {', '{"plugin_id": "ebs0",}}']) {
      writeFileSync(join(folder, 'broken.yaml'), ours)
      expect((await runMooring(['validate', folder])).status, ours).toBe(1)
    }
  })

  it('sees what is wrong between two files: one identity twice', async () => {
    const folder = folderOf({ 'one.yaml': volumeYAML('data'), 'two.yaml': volumeYAML('data') })
    const { status, stdout } = await runMooring(['validate', folder])
    expect(status).toBe(1)
    expect(stdout).toMatch(/two\.yaml:1:1: .*is declared at .*two\.yaml:1:1 and at .*one\.yaml:1:1/)
  })

  it('prints JSON for a script', async () => {
    const folder = folderOf({ 'bad.yaml': volumeYAML('bad', { size: '1' }) })
    const { status, stdout } = await runMooring(['validate', '--output', 'json', folder])
    expect(status).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      valid: false,
      declarations: 0,
      problems: [{ file: join(folder, 'bad.yaml'), line: 7, column: 3, field: 'spec.size' }],
    })
  })

  it('reads standard input', async () => {
    expect((await runMooring(['validate', '-'], { input: volumeYAML('data') })).status).toBe(0)
    const broken = await runMooring(['validate', '-'], { input: 'kind: Volume\n' })
    expect(broken.status).toBe(1)
    expect(broken.stdout).toMatch(/^<stdin>:1:1: apiVersion: is missing/)
  })

  it('fails where there is nothing to read', async () => {
    const { status, stdout } = await runMooring(['validate', join(temporaryDirectory(), 'nothing')])
    expect(status).toBe(1)
    expect(stdout).toMatch(/is not there/)
  })
})
