"""`bedrock_agentcore.browser.BrowserTool` for Strands agents."""
import os

_MISSING = "the browser tool needs one of: pip install strands-agents-tools; pip install playwright"


class BrowserTool:
    """An iterable of one Strands tool, which drives a managed browser.

    `timeout` (seconds) bounds each step in the page.
    """

    def __init__(self, region_name=None, timeout=30):
        self.region_name = region_name or os.environ.get("AWS_REGION", "us-west-2")
        self.timeout = timeout
        self._client = None
        self._playwright = None
        self._page = None
        self._tool = None

    def __iter__(self):
        if self._tool is None:
            self._tool = _strands_tools_browser(self.region_name) or self._make_tool()
        return iter([self._tool])

    def act(self, action, url="", selector="", text=""):
        """One step. Errors of the service are botocore's ClientError."""
        page = self._open()
        if action == "navigate":
            page.goto(url)
            return f"{page.title()}\n{page.inner_text('body')}"
        if action == "click":
            page.click(selector)
            return f"clicked {selector}"
        if action == "type":
            page.fill(selector, text)
            return f"typed into {selector}"
        if action == "extract":
            return page.inner_text(selector or "body")
        if action == "screenshot":
            path = os.path.join(os.environ.get("TMPDIR", "/tmp"), "screenshot.png")
            page.screenshot(path=path)
            return f"saved {path}"
        raise ValueError(f"no action {action!r}: navigate, click, type, extract, screenshot")

    def close(self):
        if self._playwright is not None:
            self._playwright.stop()
            self._playwright = self._page = None
        if self._client is not None:
            self._client.stop()
            self._client = None

    def _open(self):
        if self._page is not None:
            return self._page
        from bedrock_agentcore.tools.browser_client import BrowserClient

        if self._client is None:
            client = BrowserClient(self.region_name)
            client.start()
            self._client = client
        try:
            from playwright.sync_api import sync_playwright
        except ImportError as error:
            raise ImportError(_MISSING) from error
        url, headers = self._client.generate_ws_headers()
        self._playwright = sync_playwright().start()
        browser = self._playwright.chromium.connect_over_cdp(url, headers=headers)
        context = browser.contexts[0] if browser.contexts else browser.new_context()
        self._page = context.pages[0] if context.pages else context.new_page()
        self._page.set_default_timeout(self.timeout * 1000)
        return self._page

    def _make_tool(self):
        from strands import tool

        @tool(name="browser")
        def browser(action: str, url: str = "", selector: str = "", text: str = "") -> str:
            """Drive a web browser.

            Args:
                action: navigate, click, type, extract or screenshot.
                url: Where to navigate to.
                selector: CSS selector of the element to click, type into or extract.
                text: What to type.
            """
            return self.act(action, url, selector, text)

        return browser


def _strands_tools_browser(region):
    try:
        from strands_tools.browser import AgentCoreBrowser
    except ImportError:
        return None
    return AgentCoreBrowser(region=region).browser
