/** What the demo invites to try: each step is a few commands to paste into another terminal, and what they show. */

/** Where the demo runs. */
export interface Place {
  readonly port: number;
  readonly adminPort: number;
  /** Its working folder, with `disco/` and `dtab`. */
  readonly folder: string;
}

/** One step of the tour. */
export interface Step {
  readonly title: string;
  readonly commands: readonly string[];
  readonly shows: string;
}

/** The discovery and routing that the tour starts from. */
export const initialDtab = `# Rules are tried from the last to the first; the file is read again whenever it changes.
/srv     => /#/io.l5d.fs ;
/svc     => /srv ;
/svc/web => /srv/web-v1 | /srv/web-v2 ;
`;

/** The proxy's configuration for the demo. */
export const linkerdYaml = ({ port, adminPort, folder }: Place): string => `admin:
  port: ${adminPort}
namers:
- kind: io.l5d.fs            # each file of disco/ is a service: an address per line
  rootDir: ${JSON.stringify(`${folder}/disco`)}
routers:
- protocol: http
  label: demo
  interpreter:
    kind: io.l5d.fs          # the dtab is a file too, and may change at any time
    dtabFile: ${JSON.stringify(`${folder}/dtab`)}
  servers:
  - port: ${port}
    ip: 127.0.0.1
`;

/** The tour, in order; every command can be pasted as it stands. */
export function tour({ port, adminPort, folder }: Place): Step[] {
  const url = `http://127.0.0.1:${port}/`;
  const quoted = quote(folder);
  return [
    {
      title: "A plain request",
      commands: [`curl -s -H 'Host: web' ${url}`],
      shows:
        "Host names the service: /svc/web, which the dtab leads to web v1. It asks users through the same port.",
    },
    {
      title: "Staging: one request to a version that nobody else sees",
      commands: [`curl -s -H 'Host: web' -H 'l5d-dtab: /svc/web => /srv/web-v2' ${url}`],
      shows:
        "web v2 answers. The header adds a rule for this request, and for the calls that it causes, only.",
    },
    {
      title: "Canary: half of the traffic, by a line in the dtab file",
      commands: [
        `echo '/svc/web => 1 * /srv/web-v1 & 1 * /srv/web-v2 ;' >> ${quoted}/dtab`,
        `for i in 1 2 3 4 5 6 7 8 9 10; do curl -s -H 'Host: web' ${url}; done`,
      ],
      shows: "About half the answers come from v2. Change the weights in the file and run the loop again.",
    },
    {
      title: "Failover: a service that goes away",
      commands: [
        `mv ${quoted}/disco/web-v1 ${quoted}/`,
        `for i in 1 2 3 4 5 6; do curl -s -H 'Host: web' ${url}; done`,
        `mv ${quoted}/web-v1 ${quoted}/disco/`,
      ],
      shows:
        "Without its file web-v1 is no name any more, and all requests go to v2, none is lost; then it comes back.",
    },
    {
      title: "A failure that explains itself",
      commands: [`curl -s -i -H 'Host: nowhere' ${url}`],
      shows: "502, and the body tells the stage that failed, the name, and every rule that was tried.",
    },
    {
      title: "What the proxy counted",
      commands: [`curl -s 'http://127.0.0.1:${adminPort}/admin/metrics.json?q=rt/demo/service&pretty=true'`],
      shows:
        "The metrics of each logical name, under Linkerd 1's names. The admin port has more: open it in a browser.",
    },
  ];
}

const quote = (text: string): string =>
  /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
