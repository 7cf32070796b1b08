/** A war in the Jetty of the distribution. */
import { appFolder, type ResolvedConfig, type SeedFile } from '../../api/app.ts'
import { mavenFile } from './java.ts'
import type { Platform } from './platform.ts'

const folder = '/etc/croft/jetty'

export const jetty: Platform = {
  defaults: {
    app: { platform: 'jetty', root: 'app.war' },
    build: { packages: ['jetty9', 'ca-certificates'] },
    daemon: {
      web: {
        command: `java -jar /usr/share/jetty9/start.jar jetty.home=/usr/share/jetty9 jetty.base=${folder}`,
        port: 8080,
        health: { kind: 'tcp' },
      },
    },
  },
  masks: ['jetty9.service', 'jetty9.timer'],
  detect(files, read) {
    const war = files.find((name) => /^[\w.-]+\.war$/.test(name))
    if (war !== undefined)
      return { platform: 'jetty', config: { app: { platform: 'jetty', root: war } }, found: [war], assumed: {} }
    const pom = files.includes('pom.xml') ? (read('pom.xml') ?? '') : ''
    if (!/<packaging>\s*war\s*</.test(pom)) return undefined
    const file = mavenFile(pom, 'war')
    return {
      platform: 'jetty',
      config: {
        app: { platform: 'jetty', root: file },
        build: {
          packages: ['...', 'default-jdk-headless', 'maven'],
          commands: ['mvn --batch-mode package'],
          artifacts: [file],
        },
      },
      found: ['pom.xml, whose packaging is war'],
      assumed: { 'app.root': 'as Maven names it' },
    }
  },
  files: (config): readonly SeedFile[] => [
    { path: folder, folder: true, mode: 0o755 },
    { path: `${folder}/webapps`, folder: true, mode: 0o755 },
    { path: `${folder}/start.ini`, mode: 0o644, text: startFile(config) },
    { path: `${folder}/webapps/root.xml`, mode: 0o644, text: context(config) },
  ],
}

const startFile = ({ daemon }: ResolvedConfig): string =>
  [
    '--module=server',
    '--module=http',
    '--module=deploy',
    '--module=webapp',
    '--module=jsp',
    '--module=annotations',
    `jetty.http.port=${daemon.web?.port ?? 8080}`,
    '',
  ].join('\n')

const context = ({ app }: ResolvedConfig): string => `<?xml version="1.0"?>
<!DOCTYPE Configure PUBLIC "-//Jetty//Configure//EN" "https://www.eclipse.org/jetty/configure_9_3.dtd">
<Configure class="org.eclipse.jetty.webapp.WebAppContext">
  <Set name="contextPath">/</Set>
  <Set name="war">${appFolder}/${xml(app.root ?? 'app.war')}</Set>
</Configure>
`
const xml = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
