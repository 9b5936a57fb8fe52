#!/usr/bin/env python3
"""screenshots.py CHROMIUM BUILD: makes the pictures of docs/report.md again, from the failures of two examples in BUILD/bin.
Called in the repository's root: python3 tests/report_html/screenshots.py chromium build/release"""
import glob
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browser import Browser  # noqa: E402


def page_of(program, folder):
    environment = dict(os.environ, ORRERY_OUT=os.path.join(folder, program))
    subprocess.run([os.path.join(sys.argv[2], "bin", program)], env=environment, stdout=subprocess.DEVNULL, check=False)
    return glob.glob(os.path.join(folder, program, "*", "*", "report.html"))[0]


def main():
    with tempfile.TemporaryDirectory() as folder:
        bank = page_of("naive_bank_test", folder)
        orders = page_of("careless_orders_test", folder)
        browser = Browser(sys.argv[1])
        try:
            browser.open(bank, width=1180, height=720)
            browser.screenshot("docs/report-bank.png")
            browser.run("showTab('compare')")
            browser.screenshot("docs/report-compare.png")
            browser.open(orders, width=1240, height=720)
            browser.screenshot("docs/report-orders.png")
        finally:
            browser.close()
    for path in sorted(glob.glob("docs/report-*.png")):
        print(path, os.path.getsize(path) // 1000, "kB")


main()
