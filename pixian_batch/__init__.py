"""pixian-batch: folders of photos through the Pixian.AI API, without wasting a credit."""

__version__ = "0.1.0"
